// Just enough of CUDA's language for a C++ compiler to take a kernel file as it is.
#pragma once
#include <math.h>
#include <stddef.h>

struct Dim3 {
    unsigned x, y, z;
};
static Dim3 threadIdx, blockIdx, blockDim;

#define __global__
#define __device__
#define __forceinline__ inline

template <typename T>
inline T __ldg(const T* place) {
    return *place;
}

inline void sincospif(float turns, float* sine, float* cosine) {
    const double angle = 3.14159265358979323846 * turns;
    *sine = (float)sin(angle);
    *cosine = (float)cos(angle);
}
