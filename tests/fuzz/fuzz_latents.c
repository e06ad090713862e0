/* SPDX-License-Identifier: Apache-2.0
 *
 * Any bytes as a compressed picture, with the checksum that they would have: refused with a sentence, or latents within
 * their bounds, which are the same again when they are written and read.
 */
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "media/latents/coded.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { NUMBERS_MAX = 1 << 16 }; /* larger ones take long, and have nothing new */

/* What was freed is kept from being used again as long as some runs take; the usual 256 MiB of it are fresh pages for
 * every run. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "quarantine_size_mb=16";
}

static void require(int condition)
{
    if (!condition)
        abort();
}

static void check_again(const struct coded *coded, const struct latents *latents)
{
    struct latents read;
    struct coded_body body;
    struct coded got;
    struct reason why;
    size_t length;
    void *bytes;

    require(!coded_write(coded, latents, &bytes, &length, &why));
    require(!coded_open(bytes, length, &got, &body, &why));
    require(!memcmp(&got, coded, sizeof got));
    require(!coded_latents(&got, &body, &read, &why));
    require(!memcmp(read.values, latents->values, latents_count(latents) * sizeof *read.values));
    latents_deinit(&read);
    free(bytes);
}

static void check_latents(const struct coded *coded, const struct coded_body *body)
{
    struct latents latents;
    struct reason why = { "" };
    int result = coded_latents(coded, body, &latents, &why);

    require(result ? result == WISP_E_FORMAT && strlen(why.text) > 20 : !strlen(why.text));
    if (result)
        return;
    for (size_t i = 0; i < latents_count(&latents); i++)
        require(abs(latents.values[i]) <= LATENTS_VALUE_MAX);
    check_again(coded, &latents);
    latents_deinit(&latents);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *bytes = malloc(size ? size : 1);
    struct coded_body body;
    struct coded coded;
    struct reason why = { "" };
    int result;

    require(bytes != NULL);
    if (size)
        memcpy(bytes, data, size);
    if (size >= sizeof(uint64_t)) {
        const uint64_t sum = XXH3_64bits(bytes, size - sizeof sum);

        memcpy(bytes + size - sizeof sum, &sum, sizeof sum);
    }
    result = coded_open(bytes, size, &coded, &body, &why);
    require(result ? result == WISP_E_FORMAT && strlen(why.text) > 20 : !strlen(why.text));
    if (!result &&
        (uint64_t)coded.depth * coded_latents_of(&coded, coded.width) * coded_latents_of(&coded, coded.height) <=
            NUMBERS_MAX)
        check_latents(&coded, &body);
    free(bytes);
    return 0;
}
