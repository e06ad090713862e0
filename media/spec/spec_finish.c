/* SPDX-License-Identifier: Apache-2.0
 *
 * What concerns several keys at once: which go together, what one is by another when it is absent, and the shape of
 * the tensor. A refusal names the key.
 */
#include <math.h>

#include "base/size.h"
#include "media/spec/media.h"
#include "media/spec/spec.h"
#include "media/spec/spec_finish.h"

/* Tiles overlap by a quarter of themselves, unless another overlap is said. */
static int finish_tiles(struct image_spec *image, struct reason *why)
{
    const uint32_t side = MIN(image->width, image->height);

    if (image->fit != MEDIA_FIT_TILES && image->overlap != OVERLAP_UNSAID)
        return refuse(why, WISP_E_FORMAT, "overlap: goes with fit \"tiles\"");
    if (image->overlap == OVERLAP_UNSAID)
        image->overlap = side / 4;
    if (image->overlap > side / 2)
        return refuse(why, WISP_E_FORMAT, "overlap: tiles of %u x %u overlap by at most %u", image->width,
                      image->height, side / 2);
    if (image->fit == MEDIA_FIT_TILES && image->answer == MEDIA_ANSWER_NONE)
        return refuse(why, WISP_E_FORMAT, "fit: \"tiles\" goes with answer \"picture\" or \"mask\"");
    return 0;
}

/* What a picture's own mean and deviation are is not known when a picture comes back. */
static int finish_normalise(const struct image_spec *image, struct reason *why)
{
    bool given = false;

    if (image->normalise != MEDIA_NORMALISE_PICTURE)
        return 0;
    for (uint32_t c = 0; c < CHANNELS_MAX; c++)
        given = given || image->mean[c] != 0 || image->deviation[c] != 1;
    if (given)
        return refuse(why, WISP_E_FORMAT,
                      "normalise: \"picture\" takes each picture's own mean and deviation, and no other");
    if (image->answer == MEDIA_ANSWER_PICTURE)
        return refuse(why, WISP_E_FORMAT, "normalise: \"picture\" goes with answer \"none\" or \"mask\"");
    return 0;
}

static int finish_image(struct media *media, struct reason *why)
{
    struct image_spec *image = &media->image;
    int result = finish_tiles(image, why);

    if (!result)
        result = finish_normalise(image, why);
    if (result)
        return result;
    if (image->channels == 2)
        return refuse(why, WISP_E_FORMAT, "channels: 1 (grey) or 3 (RGB) is expected");
    media->rank = 3;
    media->dimensions[0] = image->channels;
    media->dimensions[1] = image->height;
    media->dimensions[2] = image->width;
    return 0;
}

static int finish_vocabulary(const struct text_spec *text, struct reason *why)
{
    if (!text->sequence)
        return refuse(why, WISP_E_FORMAT, "vocabulary: without \"sequence\" nothing is read by it");
    if (vocabulary_size(text->vocabulary) > text->features)
        return refuse(why, WISP_E_FORMAT, "features: %u, but the vocabulary has %u numbers, %d of them for bytes",
                      text->features, vocabulary_size(text->vocabulary), VOCABULARY_PIECES);
    return 0;
}

static int finish_words(const struct text_spec *text, struct reason *why)
{
    if (!text->sequence || text->vocabulary)
        return refuse(why, WISP_E_FORMAT, "each: words have a \"sequence\", and no \"vocabulary\"");
    return 0;
}

static int finish_text(struct media *media, struct reason *why)
{
    int result = media->text.vocabulary ? finish_vocabulary(&media->text, why) : 0;

    if (!result && media->text.each == MEDIA_EACH_WORD)
        result = finish_words(&media->text, why);
    if (result)
        return result;
    if (!media->text.characters[0] && !media->text.words[0])
        return refuse(why, WISP_E_FORMAT, "characters and words are both [0, 0]: nothing is left to count");
    if (media->text.sequence && media->text.features < 2)
        return refuse(why, WISP_E_FORMAT, "features: with sequence, 2 or more are expected: 0 stands for no word");
    media->rank = 1;
    media->dimensions[0] = media->text.sequence ? media->text.sequence : media->text.features;
    if (media->text.each == MEDIA_EACH_WORD)
        media->dimensions[0] *= MEDIA_WORD_NUMBERS;
    return 0;
}

/* Further apart than half their length, frames would leave out what the windows' ends take away. */
static int finish_spectra(struct media *media, struct reason *why)
{
    struct audio_spec *audio = &media->audio;

    if (audio->spectrum % 2)
        return refuse(why, WISP_E_FORMAT, "spectrum: an even number of samples is expected");
    audio->floor_ratio = (float)pow(10, -audio->floor_db / 20);
    if (!audio->hop)
        audio->hop = audio->spectrum / 2;
    if (audio->hop > audio->spectrum / 2)
        return refuse(why, WISP_E_FORMAT, "hop: at most half of the spectrum's %u samples are expected",
                      audio->spectrum);
    media->rank = 2;
    media->dimensions[0] = audio->recordings * (audio->spectrum / 2 + 1);
    media->dimensions[1] = audio->frames;
    if (spectra_new(audio->spectrum, &media->spectra))
        return refuse_errno(why, -ENOMEM, "spectra of %u samples", audio->spectrum);
    return 0;
}

static int finish_audio(struct media *media, struct reason *why)
{
    struct audio_spec *audio = &media->audio;

    if (audio->spectrum)
        return finish_spectra(media, why);
    if (audio->high == 0)
        audio->high = audio->rate / 2.0;
    if (audio->high > audio->rate / 2.0)
        return refuse(why, WISP_E_FORMAT, "high: %g Hz is above half the rate of %u Hz", audio->high, audio->rate);
    if (audio->low >= audio->high)
        return refuse(why, WISP_E_FORMAT, "low: %g Hz is not below high, %g Hz", audio->low, audio->high);
    media->rank = 2;
    media->dimensions[0] = audio->mels;
    media->dimensions[1] = audio->frames;
    return mel_new(&(struct mel_shape){ .rate = audio->rate,
                                        .window = audio->window,
                                        .bands = audio->mels,
                                        .low = audio->low,
                                        .high = audio->high },
                   &media->mel, why);
}

static int count_elements(struct media *media, struct reason *why)
{
    uint64_t elements = 1;

    for (unsigned i = 0; i < media->rank; i++) {
        if (!size_multiply(elements, media->dimensions[i], &elements) || elements > ELEMENTS_MAX)
            return refuse(why, WISP_E_FORMAT, "a sample of more than %d values", ELEMENTS_MAX);
    }
    media->elements = elements;
    return 0;
}

int spec_finish(struct media *media, struct reason *why)
{
    int result = 0;

    if (media->kind == MEDIA_IMAGE)
        result = finish_image(media, why);
    if (media->kind == MEDIA_TEXT)
        result = finish_text(media, why);
    if (media->kind == MEDIA_AUDIO)
        result = finish_audio(media, why);
    return result ? result : count_elements(media, why);
}
