// Run remap.cu thread by thread on the host; KERNEL_FILE names it.
#include "cuda_shim.h"
#include KERNEL_FILE

typedef unsigned char Level;

template <int TAPS, int BORDER>
static void launch(const Level* sources, Level* targets, const Level* fill, int planes, int width, int height,
                   const float* m) {
    blockDim = {32, 8, 1};
    const unsigned across = (width + 31) / 32, down = (height + 7) / 8;
    for (blockIdx.z = 0; blockIdx.z < (unsigned)planes; ++blockIdx.z)
        for (blockIdx.y = 0; blockIdx.y < down; ++blockIdx.y)
            for (blockIdx.x = 0; blockIdx.x < across; ++blockIdx.x)
                for (threadIdx.y = 0; threadIdx.y < blockDim.y; ++threadIdx.y)
                    for (threadIdx.x = 0; threadIdx.x < blockDim.x; ++threadIdx.x)
                        remap_planes<TAPS, BORDER>(sources, targets, fill, width, height, m[0], m[1], m[2], m[3],
                                                   m[4], m[5], m[6], m[7], m[8], m[9], m[10], m[11], m[12], m[13],
                                                   m[14], m[15]);
}

template <int TAPS>
static void launch_with(int border, const Level* sources, Level* targets, const Level* fill, int planes, int width,
                        int height, const float* m) {
    if (border == CONSTANT) launch<TAPS, CONSTANT>(sources, targets, fill, planes, width, height, m);
    if (border == REFLECT) launch<TAPS, REFLECT>(sources, targets, fill, planes, width, height, m);
    if (border == REPLICATE) launch<TAPS, REPLICATE>(sources, targets, fill, planes, width, height, m);
}

extern "C" void remap_on_host(int taps, int border, const Level* sources, Level* targets, const Level* fill,
                              int planes, int width, int height, const float* m) {
    if (taps == 2) launch_with<2>(border, sources, targets, fill, planes, width, height, m);
    if (taps == 4) launch_with<4>(border, sources, targets, fill, planes, width, height, m);
    if (taps == 8) launch_with<8>(border, sources, targets, fill, planes, width, height, m);
}
