/* SPDX-License-Identifier: Apache-2.0
 *
 * Tables of labels and texts that people bring, and sentences in CoNLL-U. The first byte says which form, which columns
 * and whether bad rows are skipped; what is accepted must be a sound data set, and a bad one refused with a reason.
 */
#include <stdlib.h>
#include <string.h>

#include "forge/data/readers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool condition)
{
    if (!condition)
        abort();
}

static void check(const struct dataset *set, bool skips)
{
    must(set->count && (set->label_count || set->set_starts) && set->lines && (skips || !set->skipped.count));
    for (size_t i = 0; i < set->count; i++) {
        struct reason why;

        must(set->set_starts || (set->classes[i] < set->label_count && *set->labels[set->classes[i]]));
        for (uint64_t k = set->set_starts ? set->set_starts[i] : 0; set->set_starts && k < set->set_starts[i + 1]; k++)
            must(set->set[k] < set->label_count || set->set[k] == DATASET_UNKNOWN);
        must(set->lines[i] && (!i || set->lines[i] > set->lines[i - 1]));
        must(!media_check_text("text", set->texts[i].bytes, set->texts[i].length, &why));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const columns[][2] = { { NULL, NULL }, { "1", "2" }, { "label", NULL }, { "3", "text" } };
    unsigned choice = size ? *data : 0;
    size_t length = size ? size - 1 : 0;
    const struct dataset_wish wish = { .path = "fuzz",
                                       .split = "train",
                                       .kind = MEDIA_TEXT,
                                       .label_column = columns[choice >> 2 & 3][0],
                                       .text_column = columns[choice >> 2 & 3][1],
                                       .tags = choice & 0x20 ? TAGS_KEYWORDS : TAGS_NONE,
                                       .scores = choice & 0x20 ? 3 : 0,
                                       .positions = 4,
                                       .skip_bad = choice & 2 };
    char *text = malloc(length + 1);
    struct collect collect;
    struct dataset *set = NULL;
    struct reason why = { "" };
    int result;

    must(text && !collect_init(&collect, &wish, &why));
    if (length)
        memcpy(text, data + 1, length);
    text[length] = 0;
    if (wish.tags)
        result = conllu_take("fuzz.conllu", text, length, &collect, &why);
    else
        result = table_take(choice & 1 ? "fuzz.csv" : "fuzz.tsv", text, length, &collect, &why);
    if (!result)
        result = collect_finish(&collect, "fuzz", NULL, &set, &why);
    if (result)
        must(why.text[0] != 0);
    else
        check(set, wish.skip_bad);
    dataset_free(set);
    collect_deinit(&collect);
    return 0;
}
