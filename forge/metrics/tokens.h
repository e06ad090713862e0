/* SPDX-License-Identifier: Apache-2.0
 *
 * Texts as the metrics see them: tokens, of which nobody needs to know more than whether two are the same. Each is the
 * hash of its bytes.
 */
#ifndef FORGE_METRICS_TOKENS_H
#define FORGE_METRICS_TOKENS_H

#include <stddef.h>
#include <stdint.h>

enum tokens_of {
    TOKENS_WORDS,      /* between white space */
    TOKENS_CHARACTERS, /* all, without white space at either end */
    TOKENS_13A,        /* of BLEU, as mteval-v13a and sacrebleu have them: punctuation apart, but within numbers */
    TOKENS_SIGNS,      /* of BLEU for languages without spaces: every character but white space ("char" of sacrebleu) */
    TOKENS_ZH,         /* the same for Chinese: its characters apart, and the rest as 13a ("zh" of sacrebleu) */
    TOKENS_ALNUM,      /* of ROUGE: runs of letters and digits of ASCII, in small letters */
};

struct tokens {
    uint64_t *list;
    size_t count;
};

/* Of valid UTF-8; deinit in any case. -ENOMEM. */
int tokens_init(struct tokens *tokens, enum tokens_of of, const char *text, size_t length);
void tokens_deinit(struct tokens *tokens);

#endif
