/* SPDX-License-Identifier: Apache-2.0 */
#include "forge/decoding/translations.h"

#include <errno.h>

#include "base/cleanup.h"
#include "forge/metrics/chinese.h"

enum tokens_of translations_tokens(const struct dataset *data)
{
    struct chinese_count count = { 0, 0 };

    for (size_t i = 0; i < data->count; i++)
        chinese_count(data->targets[i].bytes, data->targets[i].length, &count);
    return count.chinese > count.other ? TOKENS_ZH : TOKENS_13A;
}

static int add(struct translations *t, const struct decoded *decoded)
{
    const struct dataset_text *target = &t->data->targets[decoded->sample];
    cleanup_free char *said = NULL, *wanted = NULL;
    size_t said_length, wanted_length;
    struct tokens of_said = { .list = NULL }, of_wanted = { .list = NULL };
    struct reason why;
    int result =
        media_decode_text(t->media, decoded->words, decoded->count, &said, &said_length, &why) ||
                media_normal_text(t->data->name, target->bytes, target->length, &wanted, &wanted_length, &why) ||
                tokens_init(&of_said, t->tokens, said, said_length) ||
                tokens_init(&of_wanted, t->tokens, wanted, wanted_length)
            ? -ENOMEM
            : bleu_add(&t->bleu, &of_said, &of_wanted);

    tokens_deinit(&of_said);
    tokens_deinit(&of_wanted);
    return result;
}

void translations_see(void *argument, const struct decoded *decoded)
{
    struct translations *t = argument;

    if (!t->result)
        t->result = add(t, decoded);
}

static const char *name_of(enum tokens_of tokens)
{
    return tokens == TOKENS_ZH ? "zh" : "13a";
}

void translations_print(const struct translations *t, FILE *to)
{
    fprintf(to, "BLEU %.2f (tokens %s: %llu said, %llu wanted)\n", bleu_score(&t->bleu), name_of(t->tokens),
            (unsigned long long)t->bleu.said, (unsigned long long)t->bleu.wanted);
}

json_t *translations_json(const struct translations *t)
{
    return json_pack("{s:f s:s s:I s:I}", "bleu", bleu_score(&t->bleu), "tokenizer", name_of(t->tokens), "said",
                     (json_int_t)t->bleu.said, "wanted", (json_int_t)t->bleu.wanted);
}
