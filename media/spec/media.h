/* SPDX-License-Identifier: Apache-2.0
 *
 * From files to tensors: pictures, text, recordings. The description travels in the model file, so that training,
 * `wisp run` and every client do exactly the same. A `struct media` is immutable and may be used by many threads.
 *
 * Descriptions (JSON object; unknown keys are refused; values here are the defaults, … what must be given).
 * docs/media.md has the recipes to the last detail.
 *   {"kind": "image", "width": …, "height": …, "channels": 3, "fit": "stretch" | "contain" | "cover" | "tiles",
 *    "overlap": …, "background": 0, "mean": [0], "deviation": [1], "answer": "none" | "picture" | "mask",
 *    "threshold": 128}
 *        decoded (PNG, JPEG), alpha over the grey `background`, to grey (channels 1) or RGB (3), resized with
 *        antialiasing, scaled to 0..1, (x - mean) / deviation; tensor [channels][height][width].
 *        What the network gives is no picture, or one in the scale of its input (of its first channel, where it has
 *        others), or a mask: what a byte of `threshold` or more stands for is near 1, and everything else near 0
 *   {"kind": "text", "features": …, "sequence": 0, "characters": [1, 3], "words": [1, 1], "weight": "log" | "count" |
 *    "sqrt", "idf": false | true | "BASE64", "norm": "l2" | "none", "limit": 65536, "vocabulary": false | true | […],
 *    "each": "text" | "word", "answer": {…}}
 *        UTF-8, NFKC, case folded, runs of white space to one space; every n-gram of characters (a space at both ends)
 * and of words is hashed (XXH3-64, seed 0 and 1) to a feature and counted; [0, 0] is none; the weight of the count
 * times 1 + idf / 16, of a byte a feature; true says that there will be some, once the model is trained: till then they
 * are 0; tensor [features]. With sequence, so many words from the first on are hashed each to a number from 1 to
 * features - 1, and 0 follows the last; tensor [sequence]. With a vocabulary (vocabulary.h has what its numbers are)
 * the text, in NFKC, is so many numbers of pieces, from which it can be read again; true says that there will be pieces
 * once the model is trained: till then there are bytes. The answer is a text, too, that the network gives, described
 * likewise
 *   {"kind": "audio", "mels": …, "frames": …, "rate": 8000, "hop": 0, "window": 256, "low": 60, "high": rate / 2,
 *    "trim_db": 40, "floor_db": 60, "mean": 0, "deviation": 1}
 *        to mono, resampled, silence trimmed, short-time spectra (Hann) at `frames` evenly spaced centres over the
 *        sound, mel filter bank, decibels below the loudest, 0 (floor_db or more below) to 1; tensor [mels][frames].
 *        With hop, centres are so many samples apart, and behind the sound's end all is 0
 *   {"kind": "audio", "spectrum": …, "frames": …, "rate": 8000, "hop": spectrum / 2, "floor_db": 60, "mean": 0,
 *    "deviation": 1, "recordings": 1, "answer": "none" | "sound"}
 *        to mono, resampled, spectra (Hann) of so many samples each, a hop apart from sample 0 on, as logarithms of
 *        their magnitudes (spectrum.c); tensor [recordings][spectrum / 2 + 1][frames], of so many recordings of one
 *        event. What the network gives is nothing, or as many numbers from 0 to 1, which the spectra are multiplied by;
 *        those of all recordings are added, and are sound again
 *   {"kind": "raw", "shape": […]}
 *        little-endian float32 as it stands, all finite
 */
#ifndef MEDIA_SPEC_MEDIA_H
#define MEDIA_SPEC_MEDIA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <wisp/formats.h>

#include "base/error.h"
#include "media/spec/fourier.h"

enum media_kind { MEDIA_RAW, MEDIA_IMAGE, MEDIA_TEXT, MEDIA_AUDIO };

struct media;

/* WISP_E_FORMAT, and names the key. */
int media_parse(const char *json, struct media **out, struct reason *why);
struct media *media_free(struct media *media); /* accepts NULL; returns NULL */

enum media_kind media_kind(const struct media *media);
/* Floats of one sample; and its dimensions, outermost first, at most 4, returns the rank. */
size_t media_elements(const struct media *media);
unsigned media_shape(const struct media *media, uint32_t dimensions[4]);
/* What the network gives, where its description says that it is a medium, too. */
enum media_answer { MEDIA_ANSWER_NONE, MEDIA_ANSWER_PICTURE, MEDIA_ANSWER_MASK, MEDIA_ANSWER_SOUND };
enum media_answer media_answer(const struct media *media);
/* How many numbers of words there are, 0 among them; 0: they are not what the tensor has. */
uint32_t media_vocabulary(const struct media *media);
/* Whether those are of a vocabulary, so that media_decode_text() makes a text of them. */
bool media_reads_back(const struct media *media);
/* The description of the text that the network gives; part of the media. NULL: it gives none, or does not say. */
const struct media *media_answer_text(const struct media *media);

#define MEDIA_FILE_MAX (64u << 20) /* bytes of one file that is read */

/* Writes media_elements() floats. `name` is for the reason ("photo.png"). WISP_E_FORMAT, and says what is wrong and
 * where (byte offset); -ENOMEM. */
int media_encode(const struct media *media, const char *name, const void *bytes, size_t length, float *out,
                 struct reason *why);
/* The same for a file, or "-" for standard input. Also -errno of opening and reading. */
int media_encode_file(const struct media *media, const char *path, float *out, struct reason *why);

/* The same for what lies in a program's memory and was in no file. WISP_E_INVALID when it is none of what the format
 * says, or the description is of another kind; WISP_E_FORMAT and -ENOMEM as for a file. */
struct media_pixels {
    const void *data;
    uint32_t width, height;
    size_t stride; /* from a row to the next, in bytes */
    enum wisp_pixel_format format;
};
int media_encode_pixels(const struct media *media, const struct media_pixels *pixels, float *out, struct reason *why);

struct media_samples {
    const void *data; /* frames, each with a value of every channel */
    size_t count;     /* of the frames */
    uint32_t channels, rate;
    enum wisp_sample_format format;
};
int media_encode_samples(const struct media *media, const struct media_samples *samples, float *out,
                         struct reason *why);

/* Whether a file of that name ends like a picture or a recording that is read: ".png", ".WAV". */
bool media_ending_is_read(const char *file);

/* ---- the steps, for the trainer, which decodes once and encodes many times ---- */

/* 8-bit samples, channels interleaved: grey, grey and alpha, RGB, or RGB and alpha. */
struct media_picture {
    uint32_t width, height, channels;
    uint8_t *pixels; /* freed by the caller */
};
int media_decode_picture(const char *name, const void *bytes, size_t length, struct media_picture *out,
                         struct reason *why);
int media_take_pixels(const struct media_pixels *pixels, struct media_picture *out, struct reason *why);
int media_encode_picture(const struct media *media, const struct media_picture *picture, float *out,
                         struct reason *why);

/* A picture over the description's background, grey (1 channel) or RGB (3), at its own size: so many bytes a pixel. */
void media_picture_channels(const struct media *media, const struct media_picture *picture, uint32_t channels,
                            uint8_t *out);

/* The two steps of it, for who keeps the bytes between them: the picture in the tensor's size and channels, as
 * media_elements() bytes, channels interleaved; and what a byte of each channel becomes. */
bool media_picture_fits(const struct media *media, const struct media_picture *picture); /* as it is */
int media_fit_picture(const struct media *media, const struct media_picture *picture, uint8_t *out, struct reason *why);
struct media_levels {
    uint32_t channels;
    float values[3][256]; /* [channel][byte] */
};
/* What is taken off a byte / 255 of each channel, and what the rest is divided by: as the description gives them, or
 * those of this picture, which has the tensor's channels; only then it is looked at. */
struct media_scale {
    double mean[3], deviation[3];
};
bool media_normalises_pictures(const struct media *media); /* each by itself */
void media_picture_scale(const struct media *media, const struct media_picture *picture, struct media_scale *out);
/* `scale`: NULL: as the description gives it. */
void media_picture_levels(const struct media *media, const struct media_scale *scale, struct media_levels *out);
/* The tensor that bytes stand for, channel by channel. */
void media_levels_tensor(const struct media_levels *levels, const uint8_t *bytes, size_t elements, float *out);

/* Of pictures that a network gives, [channels][pixels], 1 or 3 channels: what a byte of each channel is as the number
 * that it learns; and its numbers as bytes, channels interleaved, a mask's 0, or 255 above a threshold. */
/* Of media/tiles: whether pictures go in tiles, and how far tiles overlap, of any picture. */
bool media_goes_in_tiles(const struct media *media);
uint32_t media_overlap(const struct media *media);
void media_answer_levels(const struct media *media, uint32_t channels, struct media_levels *out);
void media_answer_bytes(const struct media *media, uint32_t channels, size_t pixels, const float *values,
                        float threshold, uint8_t *out);
#define MEDIA_THRESHOLD 0.5f /* where nobody says another */

/* Pixels of a mask that are set (not 0 in its first channel) and touch by a side or a corner are an object: how many,
 * the box around them, and their middle. */
struct media_object {
    uint64_t area;
    uint32_t left, top, width, height;
    double x, y;
};
/* Those of `min_area` pixels or more, from the top, and in a row from the left; to be freed. -ENOMEM. */
int media_find_objects(const struct media_picture *mask, uint64_t min_area, struct media_object **out, size_t *count);

/* As a file of that name: JPEG when it ends in .jpg or .jpeg (1 or 3 channels then), PNG when it ends in .png or in
 * nothing, as "-": `length` bytes that the caller frees. WISP_E_INVALID for another ending, and when it has no pixels;
 * -ENOMEM. */
int media_check_picture_name(const char *name, struct reason *why);
int media_write_picture(const struct media_picture *picture, const char *name, void **bytes, size_t *length,
                        struct reason *why);

/* As JPEG of a quality of 1 to 100, as small as libjpeg makes it: colours at half the size each way, Huffman tables
 * made for the picture. 1 or 3 channels. WISP_E_INVALID. */
int media_write_jpeg(const struct media_picture *picture, int quality, void **bytes, size_t *length,
                     struct reason *why);

/* Mono, -1..1. */
struct media_sound {
    uint32_t rate;
    size_t count;
    float *samples; /* freed by the caller */
};
int media_decode_sound(const char *name, const void *bytes, size_t length, struct media_sound *out, struct reason *why);
int media_take_samples(const struct media_samples *samples, struct media_sound *out, struct reason *why);
/* Mono sound at any rate to another rate, by soxr; *out is new. */
int media_resample(const struct media_sound *sound, double rate_out, struct media_sound *out, struct reason *why);
/* A recording of any length up to a day, of which a block at a time is in memory: what media_decode_sound() and
 * media_resample() give, to the bit. */
struct media_stream;
struct byte_source;
/* Reads all of it, to see whether it is whole. `name` and `source` outlive it. As media_decode_sound(); and -errno. */
int media_stream_new(const char *name, struct byte_source *source, uint32_t rate, struct media_stream **out,
                     struct reason *why);
struct media_stream *media_stream_free(struct media_stream *stream); /* accepts NULL; returns NULL */
uint64_t media_stream_count(const struct media_stream *stream);      /* samples in all */
/* The next `count` of them, of those that are left; and to begin anew. WISP_E_FORMAT when the file has changed. */
int media_stream_read(struct media_stream *stream, float *out, size_t count, struct reason *why);
int media_stream_rewind(struct media_stream *stream, struct reason *why);

/* `frames`: how many the sound has; with a hop that may be fewer than the tensor, or more, of which it gets the first.
 * NULL: more are refused, as by media_check_frames(). */
int media_encode_sound(const struct media *media, const struct media_sound *sound, float *out, size_t *frames,
                       struct reason *why);
int media_check_frames(const struct media *media, size_t frames, struct reason *why);

/* ---- sound by its spectra, for who hands it back: descriptions with "spectrum" ---- */

/* Frame f is about sample f * hop; so many frames reach the end of a sound. */
uint64_t media_sound_frames(const struct media *media, uint64_t samples);
uint32_t media_recordings(const struct media *media);  /* how many one input is made of; 1 of any other description */
uint32_t media_sound_rate(const struct media *media);  /* of any description of sound */
uint32_t media_sound_hop(const struct media *media);   /* samples from a frame to the next */
uint32_t media_sound_reach(const struct media *media); /* samples to either side of a frame's middle */
uint64_t media_sound_span(const struct media *media); /* from the middle of the description's first frame to its last */

/* The description's frames, [frames][bins], the first about sample `middle` of the sound, which is at its rate; beyond
 * the sound there is silence. -ENOMEM. */
int media_spectra(const struct media *media, const struct media_sound *sound, int64_t middle,
                  struct fourier_number *out);
/* A recording's part of the tensor, of such frames. */
void media_spectra_tensor(const struct media *media, const struct fourier_number *spectra, float *out);
/* The root of the mean of the squares of their magnitudes; frames of nothing but zeroes are left out. */
double media_spectra_level(const struct media *media, const struct fourier_number *spectra);

/* A sound of which a network gives the masks: piece by piece of the description's frames, which overlap
 * (media/pieces), so it may be of any length. Of several recordings, media_recordings() of them, the longest says how
 * long; where another has ended it is silent. Each goes in as loud as the others, and what they come to is as loud as
 * they are on average. The sounds, at the description's rate, and the description outlive it. */
struct media_masking;
int media_masking_new(const struct media *media, const struct media_sound *sounds,
                      struct media_masking **out); /* -ENOMEM */
/* The same of recordings that are read as they are needed, of which no more is in memory than the pieces between the
 * one whose masks are taken next and the last whose tensor was made. */
int media_masking_of_streams(const struct media *media, struct media_stream *const *streams, struct media_masking **out,
                             struct reason *why);
struct media_masking *media_masking_free(struct media_masking *masking); /* accepts NULL; returns NULL */
/* How many pieces a sound of so many samples has, and which sample one begins about. */
uint64_t media_sound_pieces(const struct media *media, uint64_t samples);
uint64_t media_sound_piece(const struct media *media, uint64_t samples, uint64_t piece);
uint64_t media_masking_count(const struct media_masking *masking); /* samples that come out in all */
uint64_t media_masking_pieces(const struct media_masking *masking);
/* The tensor of a piece, in any order; of streams none that is before the one whose masks are taken next, and any
 * before its masks are. -ENOMEM; of streams also what reading them returns. */
int media_masking_tensor(struct media_masking *masking, uint64_t piece, float *out, struct reason *why);
/* The masks of the next piece, [bins][frames], within 0 and 1: what is beyond is that. WISP_E_INVALID for what is no
 * finite number. The samples that are finished by it are lent until the next call. */
struct media_finished {
    const float *samples;
    size_t count;
};
int media_masking_take(struct media_masking *masking, const float *masks, struct media_finished *out,
                       struct reason *why);

/* Mono, 16 bits a sample, as WAV or FLAC, by the name's ending; without one, and for "-", as WAV. WISP_E_INVALID for
 * any other; -ENOMEM. What is no number is 0, and what is beyond -1..1 is that.
 *
 * The file is written as samples come, `count` in all, to a descriptor that is the caller's and stays open: an empty
 * file's, to read and write; and by the name "-" anything's that can be written to. -errno of writing. */
int media_check_sound_name(const char *name, struct reason *why);
struct media_sound_writer;
int media_sound_writer_new(const char *name, uint32_t rate, uint64_t count, int fd, struct media_sound_writer **out,
                           struct reason *why);
struct media_sound_writer *media_sound_writer_free(struct media_sound_writer *writer); /* accepts NULL; returns NULL */
int media_sound_writer_add(struct media_sound_writer *writer, const float *samples, size_t count, struct reason *why);
/* The file is whole; then the writer can only be freed. */
int media_sound_writer_end(struct media_sound_writer *writer, struct reason *why);

/* A feature's inverse document frequency, when `with_it` of `texts` texts have it: 16 log((1 + texts) / (1 + with_it)),
 * rounded, at most 255; 0 is that of a feature that all have. A byte tells apart what is a thirty-second of a word's
 * weight or more, is a quarter of a float, and is the same everywhere. */
uint8_t media_idf(uint64_t texts, uint64_t with_it);

#define MEDIA_IDF_STEPS        16
#define MEDIA_IDF_FEATURES_MAX (1u << 19) /* with more of them, what wispd says of a model would be too long */

/* UTF-8, and something to read in it; what media_encode_text() refuses otherwise. */
int media_check_text(const char *name, const char *text, size_t length, struct reason *why);
int media_encode_text(const struct media *media, const char *name, const char *text, size_t length, float *out,
                      struct reason *why);

/* A text in the form in which it is read back: NFKC. *out has a zero behind it and is freed by the caller. */
int media_normal_text(const char *name, const char *text, size_t length, char **out, size_t *out_length,
                      struct reason *why);

/* The text that numbers of the media's vocabulary stand for, up to the first 0; what stands for nothing that is text
 * becomes U+FFFD, so that any numbers are a text in UTF-8. *out as above. -ENOMEM. */
int media_decode_text(const struct media *media, const int32_t *numbers, size_t count, char **out, size_t *length,
                      struct reason *why);

/* ---- texts of which each word gets labels ---- */

enum { MEDIA_WORD_NUMBERS = 11 };

bool media_is_of_words(const struct media *media);

/* The words of a text of any length, in windows of at most so many as the tensor has room for: a window is a sentence,
 * or a part of one. Where words are given, joined by U+001F, they stay as they are. WISP_E_FORMAT, as for a text;
 * -ENOMEM. */
struct media_words;
struct media_window {
    size_t first, count;
};
int media_words_new(const struct media *media, const char *name, const char *text, size_t length,
                    struct media_words **out, struct reason *why);
struct media_words *media_words_free(struct media_words *words); /* accepts NULL; returns NULL */
size_t media_words_count(const struct media_words *words);
const char *media_word(const struct media_words *words, size_t word, size_t *length); /* UTF-8, not terminated */
size_t media_words_windows(const struct media_words *words, const struct media_window **windows);
/* A window as a sample. media_encode_text() makes one of the words that the text begins with. */
void media_words_encode(const struct media_words *words, const struct media_window *window, float *out);

/* The lemma of a word by a label that says how it is made of it, as "NOUN =-1" ends (media/text/lemma.h); *length: of
 * what the label says besides, "NOUN". Freed by the caller. NULL, and the label's length: it says none. */
int media_lemma(const char *word, size_t word_length, const char *label, size_t *length, char **out);

#endif
