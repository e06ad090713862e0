/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>

#include "base/size.h"
#include "forge/ranks/ranks.h"
#include "forge/train/loss.h"
#include "forge/train/result.h"

#define RESULT_SECONDS_MAX 1e10

const char *ending_name(enum ending ending)
{
    static const char *const names[] = {
        [ENDING_NONE] = "none",
        [ENDING_INTERRUPTED] = "interrupted",
        [ENDING_ACCURACY] = "until-accuracy",
        [ENDING_PATIENCE] = "patience",
        [ENDING_STEPS] = "steps",
        [ENDING_EPOCHS] = "epochs",
        [ENDING_MINUTES] = "minutes",
        [ENDING_PAUSED] = "paused",
        [ENDING_DIVERGED] = "diverged",
    };

    return names[ending];
}

void trainer_result_text(const struct trainer_result *r, const struct loss *loss, bool taught, char *text, size_t size)
{
    if (!r->validated)
        *text = 0;
    else if (loss->targets == TARGETS_CLASS && taught)
        snprintf(text, size, ", agreement with the teacher %.2f%% of the validation samples",
                 100 * r->validation_accuracy);
    else if (loss->targets == TARGETS_CLASS)
        snprintf(text, size, ", validation accuracy %.2f%% (balanced %.2f%%)", 100 * r->validation_accuracy,
                 100 * r->validation_balance.balanced);
    else if (loss->targets == TARGETS_SET)
        snprintf(text, size, ", validation micro F1 %.4f", r->validation_accuracy);
    else if (loss->targets == TARGETS_LABELS)
        snprintf(text, size, ", validation F1 of labels in their order %.4f", r->validation_accuracy);
    else if (loss->targets == TARGETS_WORDS)
        snprintf(text, size, ", validation token accuracy %.2f%%, loss %.4f", 100 * r->validation_accuracy,
                 r->validation_loss);
    else
        snprintf(text, size, ", validation loss %.6g", r->validation_loss);
}

json_t *trainer_result_json(const struct trainer_result *r)
{
    const struct evaluation_balance *b = &r->validation_balance;

    return json_pack("{s:I, s:f, s:f, s:b, s:f, s:f, s:f, s:f, s:[I, I, f, f, f, I]}", "best_epoch",
                     (json_int_t)r->best_epoch, "loss", r->loss, "accuracy", r->accuracy, "validated", r->validated,
                     "validation_loss", r->validation_loss, "validation_accuracy", r->validation_accuracy,
                     "epoch_seconds", r->epoch_seconds, "seconds", r->seconds, "validation_balance",
                     (json_int_t)b->classes, (json_int_t)b->common, b->majority, b->balanced, b->macro_f1,
                     (json_int_t)b->predicted);
}

int trainer_result_parse(const json_t *json, struct trainer_result *out, struct reason *why)
{
    struct evaluation_balance *b = &out->validation_balance;
    json_int_t best, classes, common, predicted;
    json_error_t error;
    int validated;

    if (json_unpack_ex((json_t *)(uintptr_t)json, &error, JSON_STRICT,
                       "{s:I, s:F, s:F, s:b, s:F, s:F, s:F, s:F, s:[I, I, F, F, F, I!]}", "best_epoch", &best, "loss",
                       &out->loss, "accuracy", &out->accuracy, "validated", &validated, "validation_loss",
                       &out->validation_loss, "validation_accuracy", &out->validation_accuracy, "epoch_seconds",
                       &out->epoch_seconds, "seconds", &out->seconds, "validation_balance", &classes, &common,
                       &b->majority, &b->balanced, &b->macro_f1, &predicted))
        return refuse(why, WISP_E_FORMAT, "result: %s", error.text);
    if (best < validated || classes < 0 || common < 0 || predicted < 0)
        return refuse(why, WISP_E_FORMAT, "result: a number is below 0");
    if (!(out->seconds >= 0 && out->seconds <= RESULT_SECONDS_MAX))
        return refuse(why, WISP_E_FORMAT, "result: \"seconds\" is no time that a run takes");
    out->best_epoch = (uint64_t)best;
    out->validated = validated;
    b->classes = (size_t)classes;
    b->common = (size_t)common;
    b->predicted = (size_t)predicted;
    return 0;
}

/* ---- sums over samples ---- */

void loss_add(const struct loss_batch *batch, size_t count, struct loss_tally *tally)
{
    double sum = 0;

    for (size_t i = 0; i < count; i++) {
        const struct loss_sample *sample = &batch->samples[i];

        sum += sample->loss;
        tally->predicted += sample->predicted;
        tally->actual += sample->actual;
        tally->correct += sample->correct;
    }
    tally->loss += sum;
    tally->samples += count;
}

void loss_join(struct loss_tally *tally, const struct ranks *ranks)
{
    double sums[] = { tally->loss, (double)tally->samples, (double)tally->predicted, (double)tally->actual,
                      (double)tally->correct };

    ranks_sum_doubles(ranks, sums, ARRAY_SIZE(sums));
    *tally = (struct loss_tally){ .loss = sums[0],
                                  .samples = (uint64_t)sums[1],
                                  .predicted = (uint64_t)sums[2],
                                  .actual = (uint64_t)sums[3],
                                  .correct = (uint64_t)sums[4] };
}
