/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "base/size.h"
#include "forge/ranks/launch.h"

unsigned long launch_count(void)
{
    /* mpirun and srun of Open MPI; of MPICH and what comes from it. */
    static const char *const variables[] = { "OMPI_COMM_WORLD_SIZE", "PMI_SIZE" };

    for (size_t i = 0; i < ARRAY_SIZE(variables); i++) {
        const char *value = getenv(variables[i]);

        if (value)
            return strtoul(value, NULL, 10);
    }
    return 1;
}
