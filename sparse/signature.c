/* SPDX-License-Identifier: Apache-2.0 */
#include "sparse/signature.h"

struct signature signature_of(struct shape input)
{
    return (struct signature){ .inputs = { { .name = "input", .scale = 1, .shape = input } }, .input_count = 1 };
}
