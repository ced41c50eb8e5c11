// Resample 8-bit planes through a radial map that is evaluated here, per pixel, from a few numbers.
//
// One thread makes one pixel; blockIdx.z is the plane. TAPS is the kernel's width (2 linear, 4 cubic,
// 8 Lanczos), BORDER what lies outside. Modes are defined in gpu/remap/reference.py.
//
// The map is kept as displacement d = src - out, so float32 carries the few hundred pixels that a
// lens moves a point, not its coordinate: with p the normalised place and g(r) = f(r) - factors[0],
//     d = shift + p * (gain + scale * g(r)),   gain = scale * factors[0] - out_scale,
// the constants rounded once from float64 on the host. Only the fraction of d ever enters a weight.

enum Border { CONSTANT = 0, REFLECT = 1, REPLICATE = 2 };

struct Axis {
    float centre;   // out_centre, pixels
    float inverse;  // 1 / out_scale
    float shift;    // src_centre - out_centre, pixels
    float gain;     // as above, pixels
    float scale;    // src_scale, pixels
};

struct Growth {  // g(r) by power of r, from r^1 on
    float g1, g2, g3, g4, g5, g6;
};

// Bounded so that its floor fits an int however wild the coefficients; NaN lands outside as well.
__device__ __forceinline__ float displacement(float p, float g, const Axis& axis) {
    const float d = fmaf(p, fmaf(axis.scale, g, axis.gain), axis.shift);
    return fmaxf(fminf(d, 1e8f), -1e8f);
}

__device__ __forceinline__ float growth(float r2, const Growth& g) {
    const float even = r2 * fmaf(r2, fmaf(r2, g.g6, g.g4), g.g2);
    if (g.g1 == 0.0f && g.g3 == 0.0f && g.g5 == 0.0f) return even;
    return fmaf(sqrtf(r2), fmaf(r2, fmaf(r2, g.g5, g.g3), g.g1), even);
}

template <int BORDER>
__device__ __forceinline__ int inside(int index, int length) {
    if (index >= 0 && index < length) return index;
    if (BORDER == CONSTANT) return -1;
    if (BORDER == REPLICATE) return index < 0 ? 0 : length - 1;
    const int folded = (index % (2 * length) + 2 * length) % (2 * length);
    return folded < length ? folded : 2 * length - 1 - folded;
}

template <int TAPS>
__device__ __forceinline__ void weigh(float t, float* weights);

template <>
__device__ __forceinline__ void weigh<2>(float t, float* weights) {
    weights[0] = 1.0f - t;
    weights[1] = t;
}

template <>
__device__ __forceinline__ void weigh<4>(float t, float* weights) {
    const float a = -0.75f, s = 1.0f - t;
    weights[0] = a * t * s * s;
    weights[1] = fmaf(fmaf(a + 2.0f, t, -(a + 3.0f)) * t, t, 1.0f);
    weights[3] = a * s * t * t;
    weights[2] = 1.0f - weights[0] - weights[1] - weights[3];
}

// sinc(x) sinc(x / 4) at x = i - 3 - t is, up to a common factor that normalising removes,
// (-1)^i sin(pi x / 4) / x^2; the eight sines are one sine and cosine turned by multiples of 45 degrees.
// A place within 1e-6 px of a tap is moved off it to keep the quotient finite.
template <>
__device__ __forceinline__ void weigh<8>(float t, float* weights) {
    const float half = 0.70710678f;
    t = fminf(fmaxf(t, 1e-6f), 1.0f - 1e-6f);
    float s, c;
    sincospif(0.25f * (t + 3.0f), &s, &c);
    const float d = half * (s - c), e = half * (s + c);
    const float turned[8] = {s, -d, -c, e, -s, d, c, -e};
    float total = 0.0f;
#pragma unroll
    for (int i = 0; i < 8; ++i) {
        const float x = t + (3 - i);
        weights[i] = turned[i] / (x * x);
        total += weights[i];
    }
    const float norm = 1.0f / total;
#pragma unroll
    for (int i = 0; i < 8; ++i) weights[i] *= norm;
}

template <int TAPS, int BORDER>
__global__ void remap_planes(
    const unsigned char* __restrict__ sources, unsigned char* __restrict__ targets,
    const unsigned char* __restrict__ fill, int width, int height,
    float u_centre, float u_inverse, float u_shift, float u_gain, float u_scale,
    float v_centre, float v_inverse, float v_shift, float v_gain, float v_scale,
    float g1, float g2, float g3, float g4, float g5, float g6) {
    const int u = blockIdx.x * blockDim.x + threadIdx.x;
    const int v = blockIdx.y * blockDim.y + threadIdx.y;
    if (u >= width || v >= height) return;

    const Axis across = {u_centre, u_inverse, u_shift, u_gain, u_scale};
    const Axis down = {v_centre, v_inverse, v_shift, v_gain, v_scale};
    const float x = (u - across.centre) * across.inverse, y = (v - down.centre) * down.inverse;
    const float g = growth(fmaf(x, x, y * y), {g1, g2, g3, g4, g5, g6});
    const float du = displacement(x, g, across), dv = displacement(y, g, down);
    const float left = floorf(du), top = floorf(dv);

    float weights_u[TAPS], weights_v[TAPS];
    weigh<TAPS>(du - left, weights_u);
    weigh<TAPS>(dv - top, weights_v);

    int columns[TAPS];
#pragma unroll
    for (int i = 0; i < TAPS; ++i) columns[i] = inside<BORDER>(u + (int)left + i + 1 - TAPS / 2, width);

    const size_t plane = (size_t)blockIdx.z * height * width;
    const float outside = __ldg(fill + blockIdx.z);
    float sum = 0.0f;
#pragma unroll
    for (int j = 0; j < TAPS; ++j) {
        const int row = inside<BORDER>(v + (int)top + j + 1 - TAPS / 2, height);
        const unsigned char* samples = sources + plane + (size_t)(row < 0 ? 0 : row) * width;
        float along = 0.0f;
#pragma unroll
        for (int i = 0; i < TAPS; ++i) {
            const bool taken = BORDER != CONSTANT || (row >= 0 && columns[i] >= 0);
            along = fmaf(weights_u[i], taken ? (float)__ldg(samples + columns[i]) : outside, along);
        }
        sum = fmaf(weights_v[j], along, sum);
    }
    targets[plane + (size_t)v * width + u] = (unsigned char)fminf(fmaxf(rintf(sum), 0.0f), 255.0f);
}
