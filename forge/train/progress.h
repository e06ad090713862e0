/* SPDX-License-Identifier: Apache-2.0
 *
 * What training shows of itself: on a terminal a line an epoch, and below it a bar that moves; elsewhere one JSON
 * object a line on stdout, by which a program can follow:
 *
 *   {"event": "built", "structure", "processing", "connections", "sparsity", "seed"}      only where no model was named
 *   {"event": "start", "connections", "potential", "train_bytes", "tensor_bytes", "samples", "validation_samples",
 *    "epochs", "batch", "threads", "kernels", "unlabelled_samples"}     the last only where there are some
 *   {"event": "rate", "rate", "steps"}                                            only with --rate auto; before "start"
 *   {"event": "candidate", "candidate", "candidates", "seed"}                     only with several
 *   {"event": "candidate", "candidate", "candidates", "round", "rounds", "until_epoch"}             with --halving
 *   {"event": "round", "round", "rounds", "unlabelled", "agreed", "labelled", "samples", "classes": [labelled of each]}
 *                                                                                 only without labels for all
 *   {"event": "epoch", "epoch", "epochs", "rate", "loss", "accuracy", "validation_loss", "validation_accuracy",
 *    "samples_per_s", "seconds", "adversary_loss", "adversary_accuracy"}
 *                           no validation fields when nothing is held back; those of an adversary where there is one
 *   {"event": "done", "file", "bytes", "best_epoch", "seed", "candidates", "accuracy", "validation_accuracy",
 *    "validation_balanced_accuracy", "interrupted", "ended", "seconds", and of several candidates "candidates_mean",
 *    "candidates_deviation", "candidates_gained", "candidates_epochs"}
 *
 * A loss of numbers has no accuracies; that of pictures which is a mean squared difference has "psnr", in decibels, and
 * "validation_psnr" in their place.
 *
 * With a teacher, accuracies say how often the pupil says what it says. With an adversary, the loss is the network's
 * own and what it weighs that it is seen through; the adversary's is a mean over real and generated samples, and its
 * accuracy how many of both it tells: 0.5 where it guesses.
 */
#ifndef FORGE_TRAIN_PROGRESS_H
#define FORGE_TRAIN_PROGRESS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct loss;

struct progress {
    const struct loss *loss; /* that is told of; NULL: one with a score */
    double peak;             /* of pictures: how far white is from black in their numbers; 0: there are none */
    bool json;               /* lines for programs */
    bool quiet;              /* only the result */
    bool bar;                /* stderr is a terminal that can go back in a line */
    bool colour;             /* and may show colours */
    bool utf8;
    uint64_t began_ns, drawn_ns;
    uint64_t samples_done, samples_all;            /* of the whole run, for the time left */
    void (*tell)(void *told, const json_t *event); /* of every event, printed or not; NULL: nobody */
    void *told;
};

/* Whether stderr is a terminal on which a line can be drawn over. */
bool terminal_goes_back(void);

/* Looks at stdout and stderr, $TERM, $NO_COLOR, and the locale. */
void progress_init(struct progress *progress, bool json, bool quiet, uint64_t samples_all);

/* After `count` more samples; draws at most ten times a second. */
void progress_step(struct progress *progress, uint64_t count, uint64_t epoch, uint64_t epochs, double loss,
                   double accuracy);

struct epoch_figures {
    uint64_t epoch, epochs;
    double rate, loss, accuracy;
    bool validated;
    double validation_loss, validation_accuracy;
    double seconds, samples_per_s;
    bool opposed; /* an adversary was trained with it: */
    double adversary_loss, adversary_accuracy;
};

void progress_epoch(struct progress *progress, const struct epoch_figures *figures, bool best);

/* Prints an event's line in JSON mode; else `text` where people look, unless quiet. Takes `event` over. */
void progress_event(struct progress *progress, json_t *event, const char *text);

/* Removes the bar. */
void progress_clear(struct progress *progress);

#endif
