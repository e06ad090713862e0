/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include "sparse/kernels/cpu.h"

/* The brand string: three leaves of sixteen bytes (Intel SDM, CPUID; AMD says the same). */
static void ask(char name[CPU_NAME_MAX])
{
#if defined(__x86_64__)
    unsigned part[4];

    for (unsigned leaf = 0; leaf < 3; leaf++) {
        if (!__get_cpuid(0x80000002u + leaf, &part[0], &part[1], &part[2], &part[3]))
            return;
        memcpy(name + leaf * sizeof part, part, sizeof part);
    }
#else
    (void)name;
#endif
}

void cpu_name(char name[CPU_NAME_MAX])
{
    char raw[CPU_NAME_MAX] = "";
    size_t begin, length = 0;

    ask(raw);
    begin = strspn(raw, " ");
    for (size_t i = begin; raw[i]; i++)
        name[length++] = raw[i] > ' ' && raw[i] < 0x7f ? raw[i] : ' ';
    while (length && name[length - 1] == ' ')
        length--;
    name[length] = 0;
    if (!length)
        snprintf(name, CPU_NAME_MAX, "unknown");
}
