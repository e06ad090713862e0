/* SPDX-License-Identifier: Apache-2.0 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/size.h"
#include "limits.h"
#include "operands.h"

enum { REPEATS = 9, CHAINS = 12 };

const char *const limit_names[LIMIT_CACHES] = { "l1", "l2", "l3", "memory" };

/* The least of some runs, in nanoseconds: nothing makes one too fast. */
static double least_ns(void (*run)(const float *data, size_t bytes), const float *data, size_t bytes)
{
    double least = 1e18;

    for (int i = 0; i < REPEATS; i++) {
        const uint64_t begin = clock_ns();

        run(data, bytes);
        least = MIN(least, (double)(clock_ns() - begin));
    }
    return least;
}

enum { ADDITIONS = 1000000, ROUNDS_OF_FMA = 100000 };

/* One waits for the other: a cycle each. */
static void additions(const float *data, size_t bytes)
{
    uint64_t x = 1;

    (void)data, (void)bytes;
    for (int i = 0; i < ADDITIONS; i++)
        __asm__ volatile("add $1, %0" : "+r"(x));
}

/* Twelve chains, more than a multiplier has stages, in registers that the compiler is not asked about. */
#define FMA(register) "vfmadd213ps %%" register ", %%" register ", %%" register "\n "

__attribute__((target("avx512f"))) static void fma_wide(const float *data, size_t bytes)
{
    (void)data, (void)bytes;
    for (int i = 0; i < ROUNDS_OF_FMA; i++)
        __asm__ volatile(FMA("zmm0") FMA("zmm1") FMA("zmm2") FMA("zmm3") FMA("zmm4") FMA("zmm5") FMA("zmm6") FMA("zmm7")
                             FMA("zmm8") FMA("zmm9") FMA("zmm10") FMA("zmm11")::
                                 : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9",
                                   "xmm10", "xmm11");
}

__attribute__((target("avx2,fma"))) static void fma_narrow(const float *data, size_t bytes)
{
    (void)data, (void)bytes;
    for (int i = 0; i < ROUNDS_OF_FMA; i++)
        __asm__ volatile(FMA("ymm0") FMA("ymm1") FMA("ymm2") FMA("ymm3") FMA("ymm4") FMA("ymm5") FMA("ymm6") FMA("ymm7")
                             FMA("ymm8") FMA("ymm9") FMA("ymm10") FMA("ymm11")::
                                 : "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9",
                                   "xmm10", "xmm11");
}

enum { READ_AT_LEAST = 32 << 20 };

__attribute__((target("avx512f"))) static void read_wide(const float *data, size_t bytes)
{
    for (size_t read = 0; read < READ_AT_LEAST; read += bytes) {
        for (const char *at = (const char *)data, *end = at + bytes; at < end; at += 256)
            __asm__ volatile("vmovups (%0), %%zmm0\n vmovups 64(%0), %%zmm1\n vmovups 128(%0), %%zmm2\n"
                             "vmovups 192(%0), %%zmm3" ::"r"(at)
                             : "xmm0", "xmm1", "xmm2", "xmm3", "memory");
    }
}

__attribute__((target("avx2"))) static void read_narrow(const float *data, size_t bytes)
{
    for (size_t read = 0; read < READ_AT_LEAST; read += bytes) {
        for (const char *at = (const char *)data, *end = at + bytes; at < end; at += 128)
            __asm__ volatile("vmovups (%0), %%ymm0\n vmovups 32(%0), %%ymm1\n vmovups 64(%0), %%ymm2\n"
                             "vmovups 96(%0), %%ymm3" ::"r"(at)
                             : "xmm0", "xmm1", "xmm2", "xmm3", "memory");
    }
}

struct limits limits_measure(void)
{
    static const size_t sizes[LIMIT_CACHES] = { 24u << 10, 512u << 10, 8u << 20, 256u << 20 };
    const bool wide = __builtin_cpu_supports("avx512f");
    struct limits limits;

    least_ns(additions, NULL, 0); /* the clock has its time to rise */
    limits.ghz = ADDITIONS / least_ns(additions, NULL, 0);
    limits.fma_gflops = (wide ? 32.0 : 16.0) * CHAINS * ROUNDS_OF_FMA / least_ns(wide ? fma_wide : fma_narrow, NULL, 0);
    for (int i = 0; i < LIMIT_CACHES; i++) {
        float *data = random_floats(sizes[i] / sizeof(float));
        const size_t times = (READ_AT_LEAST + sizes[i] - 1) / sizes[i];

        limits.bytes_a_cycle[i] =
            (double)(times * sizes[i]) / least_ns(wide ? read_wide : read_narrow, data, sizes[i]) / limits.ghz;
        free(data);
    }
    return limits;
}
