/* SPDX-License-Identifier: Apache-2.0
 *
 * libwisp-media: from files, pixels and sound to the tensors that a model takes, as it was trained, and from the
 * pictures that it gives to files. Decoded in this
 * process, never in the daemon. Link it beside libwisp (pkg-config wisp-media; in CMake wisp::media); programs that
 * have tensors need libwisp alone.
 *
 * Errors are told as in <wisp/wisp.h>: 0, a negative errno or a positive WISP_E_*, and wisp_last_error() has the
 * sentence. Any thread may call any of it.
 */
#ifndef WISP_MEDIA_H
#define WISP_MEDIA_H

#include <stddef.h>
#include <stdint.h>

#include <wisp/formats.h>
#include <wisp/wisp.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Writes wisp_model_input_size() floats. Pictures in PNG or JPEG; text in UTF-8; recordings in WAV, AIFF, AU, FLAC, Ogg
 * (Vorbis, Opus) or MP3. "-" is standard input. WISP_E_FORMAT when the file is damaged or of another kind. */
int wisp_encode_file(const wisp_model *model, const char *path, float *input);
int wisp_encode_bytes(const wisp_model *model, const void *bytes, size_t length, float *input);

/* The same for a model whose one input is not of floats, as that of words, which are whole numbers; or is. `input` is
 * wisp_request_input_tensor(request, 0). */
int wisp_encode_input(const wisp_model *model, const void *bytes, size_t length, void *input);

/* The same for what comes from a camera, a screen or a microphone and was in no file: the floats are those of the same
 * pixels in PNG, or of the same samples in WAV, to the bit. WISP_E_INVALID when the arguments do not go together, or
 * the model takes something else; WISP_E_FORMAT when a sample is not finite, or all is silent.
 *
 * `stride` is the number of bytes from a row to the next. At most 16384 pixels a side and 64 Mi in all. */
int wisp_encode_pixels(const wisp_model *model, const void *data, uint32_t width, uint32_t height, size_t stride,
                       enum wisp_pixel_format format, float *input);

/* `samples` are `count` frames, each with a value for every channel; `rate` is in frames a second. */
int wisp_encode_samples(const wisp_model *model, const void *samples, size_t count, uint32_t channels, uint32_t rate,
                        enum wisp_sample_format format, float *input);

/* Of a model whose output is a picture or a mask: writes it to `path` ("-" is standard output): as JPEG where
 * that ends in .jpg or .jpeg, as PNG where it ends in .png or nothing. `output` is wisp_request_output().
 * WISP_E_INVALID when the model does not say that it gives one, and for another ending; WISP_E_FORMAT when what it
 * gives has not the form of one. */
int wisp_write_picture(const wisp_model *model, const float *output, const char *path);

/* From a file to a file: finds the model (as wisp_find() does), reads `in`, and writes to `out` what the model makes of
 * it.
 * "-" is standard input, and standard output. For models whose answer is a picture or a mask: written as
 * wisp_write_picture() does. Where the model's description says "tiles", a picture of any size that is read (64 Mi
 * pixels) goes through in overlapping tiles, many of them under way at once, and is put together without seams; memory
 * is that of both pictures, a row of tiles and the client's shared memory. Otherwise the picture is brought to the
 * model's size. For models whose answer is a sound: a recording of up to a day goes through in overlapping pieces,
 * and comes out as one channel of 16 bits at the model's rate, as FLAC where `out` ends in .flac, as WAV where it ends
 * in .wav or nothing; it is read and written as it goes, so memory does not grow with it, and what comes through a pipe
 * is kept in a temporary file ($TMPDIR, /var/tmp or /tmp).
 *
 * Each answer is waited for as `answer_ms` has it. WISP_E_INVALID when the model answers with something else, or with
 * what is no finite number; WISP_E_FORMAT when the file is damaged, or the answer has not the form of a picture. `out`
 * is written when all is there, or not at all. */
struct wisp_object {                   /* of a mask: pixels that are set and touch by a side or a corner */
    uint64_t area;                     /* how many */
    uint32_t left, top, width, height; /* the box around them */
    double x, y;                       /* their middle */
};

struct wisp_coded {         /* a compressed picture */
    uint32_t width, height; /* pixels of the picture */
    uint64_t bytes;         /* of the compressed file */
};

struct wisp_extent {        /* of what was read, or made */
    uint32_t width, height; /* pixels of a picture; 0 of a recording */
    double seconds;         /* of a recording, of several the longest; 0 of a picture */
    uint64_t bytes;         /* of the files; 0 where they are none, as of a pipe that is written to */
};

struct wisp_process_options {
    size_t size;        /* sizeof(struct wisp_process_options), or 0 */
    uint32_t under_way; /* requests at once, at most 64 of them; 0: 64, or as many as the client has room for */
    /* After each answer, in the calling thread: of so many pieces so many are done. NULL */
    void (*progress)(void *user, uint64_t done, uint64_t count);
    void *progress_user;
    /* Of a mask: the probability above which a pixel is set (0: 0.5); a file for the picture with the mask over it,
     * written as `out` is (NULL); and a call for each object of `min_area` pixels or more, from the top (NULL). */
    float threshold;
    const char *overlay;
    uint64_t min_area;
    void (*object)(void *user, const struct wisp_object *object);
    void *object_user;
    /* Of a picture that was compressed, or made of a compressed one: a call once all is there (NULL). */
    void (*coded)(void *user, const struct wisp_coded *coded);
    void *coded_user;
    /* How large what was read is, and what was made of it: a call once all is there (NULL). */
    void (*made)(void *user, const struct wisp_extent *read, const struct wisp_extent *made);
    void *made_user;
};

/* `out` may be NULL, when nothing is to be written. `options` may be NULL. `timings` (NULL): of the whole; queue_ns is
 * the longest of a piece, compute_ns the sum of each piece's part of its batch's, batch the largest. */
int wisp_process_file(wisp_client *client, const char *model, const char *in, const char *out,
                      const struct wisp_process_options *options, struct wisp_timings *timings);

/* The same from several files, 1 to 8, NULL after the last: for models that merge so many recordings of one event into
 * one. The longest says how long it becomes; where another has ended it is silent. WISP_E_INVALID when the model takes
 * another number. */
int wisp_process_files(wisp_client *client, const char *model, const char *const *in, const char *out,
                       const struct wisp_process_options *options, struct wisp_timings *timings);
/* Whether what the model makes of files can be written by that name, whose ending says the format; "-" is standard
 * output. WISP_E_INVALID when it cannot, or the model makes no files. */
int wisp_check_output(const wisp_model *model, const char *out);

/* The text of words that a model gives which decodes (wisp_request_words()), of those that are there so far, too: what
 * is no whole character yet is U+FFFD. To be freed with free(). WISP_E_INVALID when the model does not say what its
 * words stand for. */
int wisp_decode_text(const wisp_model *model, const int32_t *words, size_t count, char **text);

/* Of a model that writes down what is said: its labels are units of a transcript and, the first, "<blank>", and it
 * gives a score for each at every position. Whether it does. */
int wisp_gives_transcript(const wisp_model *model);

/* The text of what it gave for one sample: said is, position by position, the label with the largest score; what
 * follows itself is said once, and blanks are left out. Or, by a `beam` of 2 to 16 prefixes, the labels that are most
 * probable by all ways in which they may be said; 0 and 1: not. Of a recording's frames those that are silent to the
 * end are behind it, and not read. Labels of several characters are words; of characters U+2581 is the space between
 * them. To be freed with free(). WISP_E_INVALID when the model does not; -ENOMEM. */
int wisp_transcript(const wisp_model *model, const float *input, const float *output, uint32_t beam, char **text);

/* Find, encode, run, top: `model` as for wisp_find(). Waits as `answer_ms` has it. */
int wisp_classify_file(wisp_client *client, const char *model, const char *path, struct wisp_label *top, size_t *count,
                       struct wisp_timings *timings);

/* Of a model that says something of each word of a text: its words, in samples of one sentence or a part of one,
 * however long the text is. Each sample is encoded, run, and what came of it is taken, in any order:
 *
 *     wisp_words *words = NULL;
 *     int result = wisp_words_new(model, text, strlen(text), &words);
 *     for (size_t i = 0; !result && i < wisp_words_samples(words); i++) {
 *         wisp_words_encode(words, i, wisp_request_input(request));
 *         result = wisp_submit(request);
 *         if (!result)
 *             result = wisp_wait(request, 1000);
 *         if (!result)
 *             result = wisp_words_take(words, i, wisp_request_output_tensor(request, 0));
 *     }
 *
 * One thread at a time. The model must outlive the words. */
typedef struct wisp_words wisp_words;

struct wisp_word {
    const char *text;     /* the word, in NFKC */
    uint32_t label;       /* the most probable label's index, and */
    float probability;    /* its probability; 0, and no label yet, before wisp_words_take() */
    const char *category; /* the label, or its first part, where it says how the lemma is made: "NOUN" */
    const char *lemma;    /* then; else NULL */
};

/* Whether the model does. */
int wisp_takes_words(const wisp_model *model);

/* WISP_E_INVALID when the model does not; WISP_E_FORMAT when it is no text in UTF-8; -ENOMEM. */
int wisp_words_new(const wisp_model *model, const void *text, size_t length, wisp_words **words);
wisp_words *wisp_words_free(wisp_words *words); /* accepts NULL; returns NULL */
size_t wisp_words_samples(const wisp_words *words);
void wisp_words_encode(const wisp_words *words, size_t sample, float *input);
/* WISP_E_FORMAT when an answer is no probability; -ENOMEM. */
int wisp_words_take(wisp_words *words, size_t sample, const float *output);

size_t wisp_words_count(const wisp_words *words);
/* All of it lives as long as the words. */
struct wisp_word wisp_words_word(const wisp_words *words, size_t word);

#ifdef __cplusplus
}
#endif
#endif
