/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/size.h"
#include "forge/data/kept.h"
#include "forge/metrics/rouge.h"
#include "media/text/words.h"

enum { LETTERS_MIN = 4 };

/* Words in small letters, each as a hash. */
static int small_tokens(struct words *words, size_t most, struct tokens *out)
{
    const size_t count = MIN(words->count, most);

    *out = (struct tokens){ .list = memory_alloc(count + 1, sizeof *out->list), .count = count };
    if (!out->list)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++) {
        const struct word_span *span = &words->spans[i];
        utf8proc_int32_t small[64];
        size_t used = 0;

        for (size_t at = span->begin; at < span->end && used < ARRAY_SIZE(small); at++)
            small[used++] = utf8proc_tolower(words->points[at]);
        out->list[i] = XXH3_64bits(small, used * sizeof *small);
    }
    return 0;
}

static bool has(const struct tokens *tokens, uint64_t token)
{
    for (size_t i = 0; i < tokens->count; i++) {
        if (tokens->list[i] == token)
            return true;
    }
    return false;
}

static int choose(const struct words *words, const struct tokens *text, const struct tokens *gist, bool *kept)
{
    size_t length;
    int result = rouge_common(text, gist, kept, &length);

    for (size_t i = 0; !result && i < text->count; i++)
        kept[i] |= words->spans[i].end - words->spans[i].begin >= LETTERS_MIN && has(gist, text->list[i]);
    return result;
}

/* The words that count, joined. */
static int join(const struct words *words, size_t count, struct collect *collect, struct dataset_text *out,
                struct reason *why)
{
    char *text = memory_alloc(count ? words->spans[count - 1].end + count + 1 : 1, 4), *to = text;
    int result = text ? collect_own(collect, text, why) : refuse_errno(why, -ENOMEM, "a text");

    for (size_t i = 0; !result && i < count; i++) {
        for (size_t at = words->spans[i].begin; at < words->spans[i].end; at++)
            to += utf8proc_encode_char(words->points[at], (utf8proc_uint8_t *)to);
        *to++ = WORDS_SEPARATOR;
    }
    *out = (struct dataset_text){ text, (size_t)(to - text) };
    return result;
}

static int add(struct collect *collect, const struct words *words, const bool *kept, size_t count,
               const struct field *gist, struct reason *why)
{
    cleanup_free uint32_t *classes = memory_alloc(count + 1, sizeof *classes);
    struct dataset_text text;
    uint32_t of[2] = { 0 };
    int result = classes ? 0 : refuse_errno(why, -ENOMEM, "a text");

    if (!result)
        result = collect_class(collect, DATASET_NO_KEYWORD, strlen(DATASET_NO_KEYWORD), &of[0], why);
    if (!result)
        result = collect_class(collect, DATASET_KEPT, strlen(DATASET_KEPT), &of[1], why);
    if (!result)
        result = join(words, count, collect, &text, why);
    for (size_t i = 0; !result && i < count; i++)
        classes[i] = of[kept[i]];
    if (!result)
        result = collect_text(collect, 0, text, why);
    if (!result)
        result = collect_set(collect, classes, count, why);
    return result ? result : collect_target(collect, (struct dataset_text){ gist->bytes, gist->length }, why);
}

int kept_collect(const struct field *text, const struct field *gist, struct collect *collect, struct reason *why)
{
    cleanup(words_deinit) struct words words = { .count = 0 };
    cleanup(words_deinit) struct words wanted = { .count = 0 };
    cleanup(tokens_deinit) struct tokens a = { .count = 0 };
    cleanup(tokens_deinit) struct tokens b = { .count = 0 };
    cleanup_free bool *kept = NULL;
    int result = words_init(&words, text->bytes, text->length);

    if (!result)
        result = words_init(&wanted, gist->bytes, gist->length);
    if (!result)
        result = small_tokens(&words, collect->wish->positions, &a);
    if (!result)
        result = small_tokens(&wanted, SIZE_MAX, &b);
    kept = memory_alloc(a.count + 1, sizeof *kept);
    if (!result)
        result = kept ? choose(&words, &a, &b, kept) : -ENOMEM;
    return result ? refuse_errno(why, result, "a text") : add(collect, &words, kept, a.count, gist, why);
}
