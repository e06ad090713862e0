/* SPDX-License-Identifier: Apache-2.0
 *
 * Any bytes as a checkpoint: refused with a sentence, or every number in it is finite and it can be written again. The
 * checksum is made right before: it would stop every mutation at the door.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "forge/train/checkpoint.h"
#include "sparse/file/model_checksum.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool condition)
{
    if (!condition)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = memory_alloc(size + 1, 1);
    struct reason why = { "" };
    struct checkpoint c;

    must(copy != NULL);
    memcpy(copy, data, size);
    copy[size] = 0;
    if (checksum_find(copy, size))
        must(!checksum_seal(copy, size) || size < 64);
    if (checkpoint_parse(copy, size, &c, &why)) {
        must(why.text[0] != 0);
        return 0;
    }
    must(checkpoint_array(&c, "values", c.length) != NULL && isfinite(c.tally.loss));
    for (uint32_t i = 0; i < c.array_count; i++) {
        for (uint64_t k = 0; k < c.arrays[i].length; k++)
            must(isfinite(c.arrays[i].data[k]));
    }
    must(!checkpoint_fits(&c, c.run, &why));
    checkpoint_deinit(&c);
    return 0;
}
