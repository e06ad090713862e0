/* SPDX-License-Identifier: Apache-2.0
 *
 * How good decoded texts are: BLEU (forge/metrics/bleu.h) of them against the data's targets, in the form in which the
 * vocabulary reads a text back. Cut as sacrebleu's 13a does; or, where most of the targets' characters are Chinese, as
 * its zh.
 */
#ifndef FORGE_DECODING_TRANSLATIONS_H
#define FORGE_DECODING_TRANSLATIONS_H

#include <jansson.h>
#include <stdio.h>

#include "forge/decoding/decode.h"
#include "forge/metrics/bleu.h"

struct translations {
    const struct media *media; /* of the target, whose numbers are read back */
    const struct dataset *data;
    enum tokens_of tokens;
    struct bleu bleu;
    int result; /* -ENOMEM: some are missing */
};

/* How the data's targets are to be cut. */
enum tokens_of translations_tokens(const struct dataset *data);

/* decode_see() of a struct translations, which it adds to. */
void translations_see(void *translations, const struct decoded *decoded);

void translations_print(const struct translations *translations, FILE *to);
/* {"bleu", "tokenizer": "13a" or "zh", "said", "wanted"}, the last two tokens */
json_t *translations_json(const struct translations *translations);

#endif
