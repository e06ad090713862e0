/* SPDX-License-Identifier: Apache-2.0
 *
 * A description as it was understood: what media_parse() fills and every other file here reads. All numbers are inside
 * the bounds that spec.c's table gives; nobody checks them again.
 */
#ifndef MEDIA_SPEC_SPEC_H
#define MEDIA_SPEC_SPEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "media/spec/media.h"
#include "media/spec/mel.h"
#include "media/spec/spectra.h"

#include "media/spec/vocabulary.h"

enum image_normalise { MEDIA_NORMALISE_GIVEN, MEDIA_NORMALISE_PICTURE };
enum image_fit { MEDIA_FIT_STRETCH, MEDIA_FIT_CONTAIN, MEDIA_FIT_COVER, MEDIA_FIT_TILES };
enum text_weight { MEDIA_WEIGHT_COUNT, MEDIA_WEIGHT_SQRT, MEDIA_WEIGHT_LOG };
enum text_each { MEDIA_EACH_TEXT, MEDIA_EACH_WORD };
enum text_norm { MEDIA_NORM_L2, MEDIA_NORM_NONE };

enum { CHANNELS_MAX = 3, SIDE_MAX = 4096, ELEMENTS_MAX = 1 << 26, OVERLAP_UNSAID = SIDE_MAX };

struct image_spec {
    uint32_t width, height, channels;
    uint32_t fit;     /* enum image_fit */
    uint32_t overlap; /* of tiles, in pixels of the input; till media_parse() is done OVERLAP_UNSAID */
    uint32_t background;
    uint32_t normalise; /* enum image_normalise */
    double mean[CHANNELS_MAX], deviation[CHANNELS_MAX];
    uint32_t answer; /* enum media_answer */
    uint32_t threshold;
};

struct text_spec {
    uint32_t features;                /* of a sequence: how many numbers of words there are */
    uint32_t sequence;                /* a number for each of so many words, in their order; 0: n-grams are counted */
    uint32_t each;                    /* enum text_each */
    uint32_t characters[2], words[2]; /* shortest and longest n-gram; 0, 0: none */
    uint32_t weight;                  /* enum text_weight */
    uint32_t norm;                    /* enum text_norm */
    uint32_t limit;                   /* bytes of a text that count */
    uint8_t *idf;                     /* of each feature, as media_idf() says it; NULL: none */
    struct vocabulary *vocabulary;    /* of a sequence: what its numbers stand for; NULL: words are hashed */
    struct media *answer;             /* how the text is described that comes out; NULL: none does */
};

struct audio_spec {
    uint32_t rate, mels, frames, window;
    uint32_t spectrum;   /* samples of a frame whose spectrum is taken as it is; 0: bands are */
    uint32_t recordings; /* of one event, whose spectra are one input; 1 */
    uint32_t answer;     /* 0: none; 1: a sound */
    uint32_t hop;        /* samples from a frame to the next; 0: the frames are spread over the sound */
    double low, high, trim_db, floor_db;
    float floor_ratio; /* 10^(-floor_db / 20) */
    double mean[1], deviation[1];
};

struct media {
    enum media_kind kind;
    unsigned rank;
    uint32_t dimensions[4];
    size_t elements;
    struct image_spec image;
    struct text_spec text;
    struct audio_spec audio;
    struct mel *mel;         /* of a sound: its tables and plan */
    struct spectra *spectra; /* those where spectra are taken as they are */
};

/* One value of a sample, centred and scaled. */
static inline float media_normalised(double value, double mean, double deviation)
{
    return (float)((value - mean) / deviation);
}

#endif
