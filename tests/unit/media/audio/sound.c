/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "sound.h"
#include "support/test.h"

void encode_with(const char *json, struct bytes file, float *out)
{
    struct media *media = make_media(json);
    struct reason why = { "" };

    assert_ok(media_encode(media, "sound", file.data, file.size, out, &why), why);
    media_free(media);
}

void encode(struct bytes file, float *out)
{
    encode_with(USUAL "}", file, out);
}

void fill_chirp(float *samples, size_t count, double rate, double amplitude)
{
    double phase = 0;

    for (size_t i = 0; i < count; i++) {
        double at = (double)i / (double)count;

        phase += 2 * M_PI * (200 + 3000 * at) / rate;
        samples[i] = (float)(amplitude * sin(phase) * sin(M_PI * at));
    }
}
