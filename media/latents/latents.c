/* SPDX-License-Identifier: Apache-2.0 */
#include "media/latents/latents.h"

#include <stdlib.h>

#include "base/memory.h"

int latents_init(struct latents *latents, uint32_t channels, uint32_t width, uint32_t height, struct reason *why)
{
    *latents = (struct latents){ .channels = channels, .width = width, .height = height };
    if (!channels || channels > LATENTS_CHANNELS_MAX || !width || !height ||
        (uint64_t)width * height > LATENTS_COUNT_MAX / channels)
        return refuse(why, WISP_E_INVALID, "%u channels of %u x %u latents: there are 1 to %d, of %d numbers in all",
                      channels, width, height, LATENTS_CHANNELS_MAX, LATENTS_COUNT_MAX);
    latents->values = memory_zalloc(latents_count(latents), sizeof *latents->values);
    return latents->values ? 0 : refuse_errno(why, -ENOMEM, "%u channels of %u x %u latents", channels, width, height);
}

void latents_deinit(struct latents *latents)
{
    free(latents->values);
    latents->values = NULL;
}
