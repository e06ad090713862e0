/* SPDX-License-Identifier: Apache-2.0
 *
 * Which tables this machine can use. The CPU's features alone decide, never its name; __builtin_cpu_supports() also
 * asks whether the operating system saves the registers.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/size.h"
#include "sparse/kernels/kernels.h"
#include "sparse/kernels/tables.h"

static bool has_scalar(void)
{
    return true;
}

#if defined(__x86_64__)
static bool has_avx2(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

static bool has_avx512(void)
{
    return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw");
}
#endif

#if defined(__aarch64__)
static bool has_neon(void)
{
    return true; /* a part of the instruction set since ARMv8 */
}
#endif

static const struct {
    const struct kernels *kernels;
    bool (*usable)(void);
} tables[] = {
#define KERNELS(name) { &kernels_##name, has_##name },
#include "sparse/kernels/tables.inc"
#undef KERNELS
};

const struct kernels *kernels_at(size_t index)
{
    for (size_t i = ARRAY_SIZE(tables); i-- > 0;) {
        if (tables[i].usable() && index-- == 0)
            return tables[i].kernels;
    }
    return NULL;
}

const struct kernels *kernels_find(const char *name)
{
    const char *forced = getenv("WISP_CPU");
    const struct kernels *kernels;

    if (!strcmp(name, "auto")) {
        if (!forced || !*forced || !strcmp(forced, "auto"))
            return kernels_at(0);
        name = forced;
    }
    for (size_t i = 0; (kernels = kernels_at(i)); i++) {
        if (!strcmp(kernels->name, name))
            return kernels;
    }
    return NULL;
}

int kernels_refuse(const char *name, int status, struct reason *why)
{
    const bool forced = !strcmp(name, "auto");
    const struct kernels *kernels;
    char names[128] = "auto";

    for (size_t i = 0; (kernels = kernels_at(i)); i++) {
        const size_t length = strlen(names);

        snprintf(names + length, sizeof names - length, ", %s", kernels->name);
    }
    return refuse(why, status, "%s%s: such kernels are unknown, or this CPU cannot run them; there are: %s",
                  forced ? "WISP_CPU=" : "kernels: ", forced ? getenv("WISP_CPU") : name, names);
}
