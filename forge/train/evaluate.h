/* SPDX-License-Identifier: Apache-2.0
 *
 * How good a model is on samples: accuracy, mean loss, and which class is taken for which.
 */
#ifndef FORGE_TRAIN_EVALUATE_H
#define FORGE_TRAIN_EVALUATE_H

#include <jansson.h>
#include <stdio.h>

#include "forge/ranks/ranks.h"
#include "forge/train/batches.h"
#include "forge/train/loss.h"
#include "sparse/passes/forward.h"

struct likeness;
struct pair_scores;

/* What an evaluation runs on; all borrowed. */
struct evaluator {
    struct forward *forward; /* made for loss->max samples */
    const struct model *model;
    struct batches *batches;
    struct loss_batch *loss;
    struct pool *pool;
    const struct answers *answers; /* that are the targets; NULL: those of the data are */
    struct pair_scores *scores;    /* of pairs of pictures, to which is added; NULL: not wanted */
    struct likeness *likeness;     /* the same of recordings */
    /* Told what the model gives for each batch of samples; NULL: nobody wants it. -ENOMEM. */
    int (*watch)(void *watcher, const uint32_t *which, size_t count, const float *output);
    void *watcher;
    const struct ranks *ranks; /* that share the samples; NULL: this process runs them all */
};

/* Of one label, where a sample has several or none. */
struct label_counts {
    uint64_t predicted, actual, correct;
};

struct evaluation {
    enum loss_targets targets;
    size_t classes; /* or labels, or numbers */
    struct loss_tally tally;
    uint64_t *confusion;         /* of classes: [true class, or the teacher's][predicted class]; a row more: of none */
    struct label_counts *labels; /* TARGETS_SET */
    uint64_t exact;              /* samples of which every label is right */
    uint64_t edits;              /* TARGETS_LABELS */
    double surprise;             /* TARGETS_WORDS: sum over them of -log p */
    double squares, distances;   /* TARGETS_NUMBERS: sums over samples and numbers of (y - t)^2 and |y - t| */
};

#define EVALUATION_NULL ((struct evaluation){ .classes = 0 })

/* Runs the samples which[0 … count). Stops early, with WISP_E_INTERRUPTED, when the user wants it; WISP_E_INVALID, and
 * the sample, when an answer is no number; both on all ranks. *out is overwritten, its table newly made. */
int evaluate(const struct evaluator *evaluator, const uint32_t *which, size_t count, struct evaluation *out,
             struct reason *why);
/* The same in parts, for who runs them: room for what a loss counts (-ENOMEM), then batch after batch, each after
 * loss_run(). */
int evaluation_init(struct evaluation *evaluation, const struct loss_batch *loss);
void evaluation_add(struct evaluation *evaluation, const struct loss_batch *loss, const float *output, size_t count);
void evaluation_deinit(struct evaluation *evaluation); /* idempotent */

double evaluation_accuracy(const struct evaluation *evaluation);
/* Of labels in their order: edits a label that there is; that of words is the word error rate. */
double evaluation_error_rate(const struct evaluation *evaluation);

/* What an accuracy alone hides; all from the confusion table, over the classes that have samples. */
struct evaluation_balance {
    size_t classes;   /* with samples */
    size_t common;    /* the most frequent of them; always saying it is right so often: */
    double majority;  /* its share */
    double balanced;  /* mean recall: 1 / classes when nothing was learned, however uneven they are */
    double macro_f1;  /* mean of 2 precision recall / (precision + recall) */
    size_t predicted; /* classes that were said at all */
};

struct evaluation_balance evaluation_balance(const struct evaluation *evaluation);

/* Whether it is no better than saying one class always, or any at random: less than a twentieth of the way from there
 * to perfect. */
bool balance_is_guessing(const struct evaluation_balance *balance);

/* Over labels of which a sample may have several: of all decisions together (micro), and the means over the labels that
 * some sample has (macro). */
struct evaluation_labels {
    double micro_precision, micro_recall, micro_f1, macro_precision, macro_recall, macro_f1;
    double exact; /* share of samples of which every label is right */
};

struct evaluation_labels evaluation_labels(const struct evaluation *evaluation);

/* Of words of which most are none of what is looked for, labelled "O": how many of the others were said, there are, and
 * are both. False, and 0, where there is no such label. */
bool evaluation_others(const struct evaluation *evaluation, char *const *labels, struct label_counts *out);

/* Per class: samples, recall, precision, F1, and what it is most often taken for; then the table itself when it is
 * small.
 */
void evaluation_print(const struct evaluation *evaluation, char *const *labels, FILE *to);
/* {"accuracy", "balanced_accuracy", "macro_f1", "majority", "samples", "correct", "loss", "classes": [{"label",
 * "samples", "recall", "precision", "f1"}], "confusion"}; of sets {"micro_precision", "micro_recall", "micro_f1",
 * "macro_precision", "macro_recall", "macro_f1", "exact_match", "samples", "loss", "labels": [{as a class}]}; of
 * labels in their order {"error_rate", "edits", "exact_match", "f1", "said", "right", "labels", "samples", "loss"}; of
 * words {"token_accuracy", "perplexity", "words", "samples", "loss"}; of numbers {"mse", "mae", "samples", "loss"} */
json_t *evaluation_json(const struct evaluation *evaluation, char *const *labels);

#endif
