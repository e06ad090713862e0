/* SPDX-License-Identifier: Apache-2.0
 *
 * For metrics.py: a pair of texts a line, what was said, a tab, and what was wanted; out come all metrics, one a line.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "forge/metrics/bleu.h"
#include "forge/metrics/edits.h"
#include "forge/metrics/rouge.h"

static struct bleu bleu[TOKENS_ALNUM]; /* by tokens, of those that it is of */
static struct rouge rouge;
static size_t edits[2], wanted[2];

static void add(const char *const texts[2], enum tokens_of of)
{
    struct tokens said, meant;
    size_t count = 0;

    if (tokens_init(&said, of, texts[0], strlen(texts[0])) || tokens_init(&meant, of, texts[1], strlen(texts[1])))
        abort();
    if (of >= TOKENS_13A && of <= TOKENS_ZH)
        (void)bleu_add(&bleu[of], &said, &meant);
    else if (of == TOKENS_ALNUM)
        (void)rouge_add(&rouge, &said, &meant);
    else if (!edits_count(&said, &meant, &count))
        wanted[of == TOKENS_CHARACTERS] += meant.count;
    edits[of == TOKENS_CHARACTERS] += count;
    tokens_deinit(&said);
    tokens_deinit(&meant);
}

int main(void)
{
    cleanup_free char *line = NULL;
    size_t size = 0;

    while (getline(&line, &size, stdin) > 0) {
        char *tab = strchr(line, '\t');

        line[strcspn(line, "\n")] = '\0';
        if (!tab)
            return 1;
        *tab = '\0';
        for (int of = TOKENS_WORDS; of <= TOKENS_ALNUM; of++)
            add((const char *const[]){ line, tab + 1 }, (enum tokens_of)of);
    }
    for (int of = TOKENS_13A; of <= TOKENS_ZH; of++)
        printf("%.17g\n", bleu_score(&bleu[of]));
    printf("%.17g\n%.17g\n%.17g\n", rouge.one / (double)rouge.texts, rouge.two / (double)rouge.texts,
           rouge.longest / (double)rouge.texts);
    printf("%.17g\n%.17g\n", (double)edits[0] / (double)wanted[0], (double)edits[1] / (double)wanted[1]);
    return 0;
}
