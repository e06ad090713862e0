/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "forge/data/units.h"
#include "forge/decoding/transcripts.h"
#include "forge/metrics/edits.h"
#include "forge/train/alignment/ctc.h"
#include "media/transcript/search.h"

int transcripts_init(struct transcripts *t, const struct loss_batch *loss, char *const *labels, uint32_t beam)
{
    *t = (struct transcripts){ .loss = loss,
                               .labels = labels,
                               .words = labels && units_of_labels(labels, loss->features).words,
                               .beam = beam,
                               .said = memory_alloc(loss->positions, sizeof *t->said),
                               .room = memory_alloc(2 * loss->positions + 2, sizeof *t->room) };
    return t->said && t->room ? 0 : -ENOMEM;
}

void transcripts_deinit(struct transcripts *t)
{
    free(t->said);
    free(t->room);
}

/* ---- as texts ---- */

struct written {
    char *text;
    size_t length;
};

static void write_unit(FILE *out, const struct transcripts *t, size_t label, bool first)
{
    const char *unit = t->labels[label];

    if (!strcmp(unit, UNITS_SPACE))
        unit = " ";
    fprintf(out, "%s%s", t->words && !first ? " " : "", unit);
}

/* Freed by the caller; NULL: out of memory. */
static char *text_of_said(const struct transcripts *t, const struct transcript *said, size_t *length)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, length);

    for (size_t i = 0; out && i < said->count; i++)
        write_unit(out, t, said->labels[i], !i);
    return out && !fclose(out) ? text : NULL;
}

static char *text_of_wanted(const struct transcripts *t, const struct ctc *wanted, size_t *length)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, length);

    for (size_t i = 0; out && i < wanted->label_count; i++)
        write_unit(out, t, (size_t)wanted->labels[i * wanted->label_step], !i);
    return out && !fclose(out) ? text : NULL;
}

static int compare(enum tokens_of of, const struct written *said, const struct written *wanted,
                   struct transcripts_edits *sum)
{
    struct tokens a = { .list = NULL }, b = { .list = NULL };
    size_t edits;
    int result = tokens_init(&a, of, said->text, said->length);

    if (!result)
        result = tokens_init(&b, of, wanted->text, wanted->length);
    if (!result)
        result = edits_count(&a, &b, &edits);
    if (!result) {
        sum->edits += edits;
        sum->wanted += b.count;
    }
    tokens_deinit(&a);
    tokens_deinit(&b);
    return result;
}

static int compare_texts(struct transcripts *t, const struct transcript *said, const struct ctc *wanted)
{
    struct written a, b;
    cleanup_free char *said_text = text_of_said(t, said, &a.length);
    cleanup_free char *wanted_text = text_of_wanted(t, wanted, &b.length);
    int result;

    if (!said_text || !wanted_text)
        return -ENOMEM;
    a.text = said_text;
    b.text = wanted_text;
    result = compare(TOKENS_CHARACTERS, &a, &b, &t->characters_of_texts);
    return result ? result : compare(TOKENS_WORDS, &a, &b, &t->words_of_texts);
}

/* ---- sample by sample ---- */

static int see_one(struct transcripts *t, const float *output, size_t sample, size_t count)
{
    const struct loss_batch *loss = t->loss;
    const struct transcript_scores scores = { .values = output + sample,
                                              .labels = loss->features,
                                              .label_step = loss->positions * count,
                                              .positions = loss->lengths[sample],
                                              .position_step = count };
    const int32_t *labels = loss->classes + sample;
    const struct ctc wanted = {
        .labels = labels, .label_step = count, .label_count = ctc_count(labels, count, loss->positions), .room = t->room
    };
    struct transcript said = { .labels = t->said };
    struct ctc_guess guess;

    if (transcript_search(&scores, t->beam, &said))
        return -ENOMEM;
    guess = ctc_compare(&wanted, said.labels, said.count);
    t->samples++;
    t->exact += guess.edits == 0;
    t->label_count += wanted.label_count;
    t->edits += guess.edits;
    return t->labels ? compare_texts(t, &said, &wanted) : 0;
}

int transcripts_see(void *transcripts, const uint32_t *which, size_t count, const float *output)
{
    int result = 0;

    (void)which;
    for (size_t i = 0; !result && i < count; i++)
        result = see_one(transcripts, output, i, count);
    return result;
}

static double share(uint64_t part, uint64_t whole)
{
    return whole ? (double)part / (double)whole : 0;
}

void transcripts_print(const struct transcripts *t, FILE *to)
{
    fprintf(to, "by a beam of %u: error rate %.2f%% (%llu edits), every label right in %.2f%%\n", t->beam,
            100 * share(t->edits, t->label_count), (unsigned long long)t->edits, 100 * share(t->exact, t->samples));
}

json_t *transcripts_json(const struct transcripts *t)
{
    return json_pack("{s:i, s:f, s:I, s:f}", "beam", (int)t->beam, "error_rate", share(t->edits, t->label_count),
                     "edits", (json_int_t)t->edits, "exact_match", share(t->exact, t->samples));
}

void transcripts_print_texts(const struct transcripts *t, FILE *to)
{
    const struct transcripts_edits *c = &t->characters_of_texts, *w = &t->words_of_texts;

    if (t->labels)
        fprintf(to, "as texts, by a beam of %u: character error rate %.2f%%, word error rate %.2f%%\n", t->beam,
                100 * share(c->edits, c->wanted), 100 * share(w->edits, w->wanted));
}

json_t *transcripts_texts_json(const struct transcripts *t)
{
    const struct transcripts_edits *c = &t->characters_of_texts, *w = &t->words_of_texts;

    return t->labels ? json_pack("{s:i, s:f, s:f}", "beam", (int)t->beam, "character_error_rate",
                                 share(c->edits, c->wanted), "word_error_rate", share(w->edits, w->wanted))
                     : NULL;
}
