/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/size.h"
#include "forge/data/gists.h"
#include "media/text/words.h"

/* Which words have a letter or a number in them, and are no punctuation; `says` is false everywhere. */
static void find_words(const struct dataset_text *text, bool *says)
{
    size_t word = 0;

    for (size_t i = 0; i < text->length; i++) {
        const unsigned char byte = (unsigned char)text->bytes[i];

        if (byte == WORDS_SEPARATOR && i + 1 < text->length)
            word++;
        else
            says[word] |= byte >= 0x80 || isalnum(byte);
    }
}

/* Which words are kept: those with the largest probabilities, of equals the first. */
static void choose(const float *p, size_t step, const bool *says, size_t words, bool *kept)
{
    memset(kept, 0, words * sizeof *kept);
    for (size_t n = 0; n < GIST_WORDS; n++) {
        size_t best = words;

        for (size_t i = 0; i < words; i++) {
            if (says[i] && !kept[i] && (best == words || p[i * step] > p[best * step]))
                best = i;
        }
        if (best < words)
            kept[best] = true;
    }
}

/* The words that are kept, or the first ones, with spaces between them; the text's bytes are room enough. */
static size_t write_gist(const struct dataset_text *text, const bool *kept, char *out)
{
    size_t used = 0, word = 0;

    for (const char *at = text->bytes, *end = at + text->length, *next; at < end; at = next + 1, word++) {
        next = memchr(at, WORDS_SEPARATOR, (size_t)(end - at));
        next = next ? next : end;
        if (kept ? !kept[word] : word >= GIST_WORDS)
            continue;
        memcpy(out + used, at, (size_t)(next - at));
        used += (size_t)(next - at);
        out[used++] = ' ';
    }
    return used;
}

static int add_gist(struct rouge *rouge, const char *gist, size_t length, const struct dataset_text *wanted)
{
    cleanup(tokens_deinit) struct tokens a = { .count = 0 };
    cleanup(tokens_deinit) struct tokens b = { .count = 0 };

    if (tokens_init(&a, TOKENS_ALNUM, gist, length) || tokens_init(&b, TOKENS_ALNUM, wanted->bytes, wanted->length))
        return -ENOMEM;
    return rouge_add(rouge, &a, &b);
}

static int add_sample(struct gist_scores *scores, uint32_t sample, const float *p, size_t step)
{
    const struct dataset *data = scores->data;
    const struct dataset_text *text = &data->texts[sample];
    const size_t words = data->set_starts[sample + 1] - data->set_starts[sample];
    cleanup_free char *gist = malloc(text->length + 1);
    cleanup_free bool *kept = malloc(words + 1), *says = calloc(words + 1, sizeof *says);
    int result;

    if (!gist || !kept || !says)
        return -ENOMEM;
    find_words(text, says);
    choose(p, step, says, words, kept);
    result = add_gist(&scores->chosen, gist, write_gist(text, kept, gist), &data->targets[sample]);
    return result ? result : add_gist(&scores->first, gist, write_gist(text, NULL, gist), &data->targets[sample]);
}

int gists_add(void *argument, const uint32_t *which, size_t count, const float *output)
{
    struct gist_scores *scores = argument;
    int result = 0;

    for (size_t i = 0; !result && i < count; i++)
        result = add_sample(scores, which[i], output + scores->kept * scores->positions * count + i, count);
    return result;
}
