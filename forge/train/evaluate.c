/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/size.h"
#include "forge/data/pairs/scores.h"
#include "forge/data/recordings/likeness.h"
#include "forge/train/evaluate.h"
#include "forge/train/interrupt.h"

enum { TABLE_CLASSES_MAX = 24 };

static void count_label(struct evaluation *e, const struct loss_batch *loss, size_t number, const float *output,
                        size_t count)
{
    struct label_counts *label = &e->labels[number];
    const float *target = loss->values + number * count;

    for (size_t i = 0; i < count; i++) {
        bool predicted = loss_holds(loss, number / loss->positions, output[i]), actual = target[i] > 0.5f;

        label->predicted += predicted;
        label->actual += actual;
        label->correct += predicted && actual;
    }
}

static void measure(struct evaluation *e, const float *output, const float *target, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        double difference = (double)output[i] - (double)target[i];

        e->squares += difference * difference;
        e->distances += fabs(difference);
    }
}

/* The most probable class at a position, the first of equals. */
static size_t best_class(const struct loss_batch *loss, const float *output, size_t stride)
{
    size_t best = 0;

    for (size_t c = 1; c < loss->features; c++) {
        if (output[c * stride] > output[best * stride])
            best = c;
    }
    return best;
}

/* What is said at each position that has something; in the last row, of what is no class. */
static void count_positions(struct evaluation *e, const struct loss_batch *loss, const float *output, size_t count)
{
    const size_t stride = loss->positions * count;

    for (size_t at = 0; at < stride; at++) {
        const size_t row = loss->classes[at] == LOSS_UNKNOWN ? e->classes : (size_t)loss->classes[at];

        if (loss->classes[at] != LOSS_NONE)
            e->confusion[row * e->classes + best_class(loss, output + at, stride)]++;
    }
}

static bool is_exact(const struct loss_sample *sample)
{
    return sample->predicted == sample->correct && sample->actual == sample->correct;
}

void evaluation_add(struct evaluation *e, const struct loss_batch *loss, const float *output, size_t count)
{
    loss_add(loss, count, &e->tally);
    for (size_t i = 0; i < count; i++) {
        e->surprise += loss->samples[i].loss * loss->samples[i].actual;
        e->exact += is_exact(&loss->samples[i]);
        e->edits += loss->samples[i].edits;
    }
    if (e->confusion && loss->positions > 1 && loss->classes)
        count_positions(e, loss, output, count);
    for (size_t i = 0; e->confusion && !(loss->positions > 1 && loss->classes) && i < count; i++)
        e->confusion[(size_t)loss->samples[i].wanted * e->classes + loss->samples[i].best]++;
    for (size_t l = 0; e->labels && l < e->classes; l++)
        count_label(e, loss, l, output + l * count, count);
    if (e->targets == TARGETS_NUMBERS)
        measure(e, output, loss->values, e->classes * count);
}

static int run_all(const struct evaluator *r, const uint32_t *which, size_t count, struct evaluation *e,
                   struct reason *why)
{
    const uint32_t output = model_value(r->model, r->model->layer_count - 1);

    for (size_t done = 0; done < count;) {
        size_t now = MIN(r->loss->max, count - done);
        const struct batch batch = { .which = which + done, .count = now };
        int result = batches_forward(r->batches, &batch, r->forward, LAYER_EVALUATE, why);

        if (!result && interrupt_wanted())
            result = refuse(why, WISP_E_INTERRUPTED, "interrupted");
        if (result)
            return result;
        result = batches_targets(r->batches, &batch, r->answers, r->loss, why);
        if (result)
            return result;
        loss_run(r->loss, forward_value(r->forward, output), now, 0, NULL, r->pool);
        for (size_t i = 0; i < now; i++) {
            if (!isfinite(r->loss->samples[i].loss))
                return refuse(why, WISP_E_INVALID,
                              "sample %u: the answer is no number; its values are out of the range that %s can compute "
                              "with",
                              which[done + i], r->model->name);
        }
        evaluation_add(e, r->loss, forward_value(r->forward, output), now);
        if (r->watch && r->watch(r->watcher, batch.which, now, forward_value(r->forward, output)))
            return refuse_errno(why, -ENOMEM, "evaluation");
        if (r->scores && pair_scores_add(r->scores, batch.which, now, forward_input(r->forward, r->scores->input),
                                         forward_value(r->forward, output)))
            return refuse_errno(why, -ENOMEM, "a picture put together");
        result = r->likeness ? likeness_add(r->likeness, batch.which, now, forward_value(r->forward, output), why) : 0;
        if (result)
            return result;
        done += now;
    }
    return 0;
}

int evaluation_init(struct evaluation *evaluation, const struct loss_batch *loss)
{
    const enum loss_targets targets = loss->loss->targets;
    const bool classes = loss_is_of_classes(loss->loss);

    *evaluation =
        (struct evaluation){ .targets = targets, .classes = loss->features * (classes ? 1 : loss->positions) };
    if (classes)
        evaluation->confusion = memory_zalloc(evaluation->classes + 1, evaluation->classes * sizeof(uint64_t));
    if (targets == TARGETS_SET)
        evaluation->labels = memory_zalloc(evaluation->classes, sizeof *evaluation->labels);
    return (classes && !evaluation->confusion) || (targets == TARGETS_SET && !evaluation->labels) ? -ENOMEM : 0;
}

/* What ended it on any rank ends it on all. */
static int agree(const struct ranks *ranks, int result, struct reason *why)
{
    if (result && result != WISP_E_INTERRUPTED && result != WISP_E_INVALID)
        return result;
    if (ranks_agree(ranks, result == WISP_E_INTERRUPTED))
        return refuse(why, WISP_E_INTERRUPTED, "interrupted");
    if (ranks_agree(ranks, result == WISP_E_INVALID) && !result)
        return refuse(why, WISP_E_INVALID, "an answer is no number");
    return result;
}

static void join_counts(const struct ranks *ranks, uint64_t *counts, size_t count)
{
    double sums[512];

    for (size_t done = 0; ranks && done < count; done += ARRAY_SIZE(sums)) {
        const size_t now = MIN(ARRAY_SIZE(sums), count - done);

        for (size_t i = 0; i < now; i++)
            sums[i] = (double)counts[done + i];
        ranks_sum_doubles(ranks, sums, now);
        for (size_t i = 0; i < now; i++)
            counts[done + i] = (uint64_t)sums[i];
    }
}

/* What all ranks have counted. */
static void join(const struct ranks *ranks, struct evaluation *e)
{
    double errors[] = { e->squares, e->distances, e->surprise };

    loss_join(&e->tally, ranks);
    ranks_sum_doubles(ranks, errors, ARRAY_SIZE(errors));
    e->squares = errors[0];
    e->distances = errors[1];
    e->surprise = errors[2];
    join_counts(ranks, &e->exact, 1);
    join_counts(ranks, &e->edits, 1);
    if (e->confusion)
        join_counts(ranks, e->confusion, (e->classes + 1) * e->classes);
    if (e->labels)
        join_counts(ranks, &e->labels->predicted, e->classes * sizeof *e->labels / sizeof(uint64_t));
}

static int run_share(const struct evaluator *r, const uint32_t *which, size_t count, struct evaluation *e,
                     struct reason *why)
{
    unsigned long long begin, end;
    int result;

    pool_share(count, 1, ranks_rank(r->ranks), ranks_count(r->ranks), &begin, &end);
    result = agree(r->ranks, run_all(r, which + begin, end - begin, e, why), why);
    if (!result)
        join(r->ranks, e);
    return result;
}

int evaluate(const struct evaluator *evaluator, const uint32_t *which, size_t count, struct evaluation *out,
             struct reason *why)
{
    int result = evaluation_init(out, evaluator->loss);

    result = result ? refuse_errno(why, result, "evaluation") : run_share(evaluator, which, count, out, why);
    if (result)
        evaluation_deinit(out);
    return result;
}

void evaluation_deinit(struct evaluation *evaluation)
{
    free(evaluation->confusion);
    free(evaluation->labels);
    *evaluation = EVALUATION_NULL;
}

double evaluation_accuracy(const struct evaluation *evaluation)
{
    return loss_score(&evaluation->tally);
}

double evaluation_error_rate(const struct evaluation *evaluation)
{
    return evaluation->tally.actual ? (double)evaluation->edits / (double)evaluation->tally.actual : 0;
}

/* What is to be said of one class; of the table's row (its samples) and column (what was taken for it). */
struct class_figures {
    uint64_t samples, predicted, correct, worst_count;
    size_t worst;
};

static struct class_figures figures(const struct evaluation *e, size_t class)
{
    struct class_figures f = { .correct = e->confusion[class * e->classes + class],
                               .predicted = e->confusion[e->classes * e->classes + class],
                               .worst = class };

    for (size_t other = 0; other < e->classes; other++) {
        uint64_t taken = e->confusion[class * e->classes + other];

        f.samples += taken;
        f.predicted += e->confusion[other * e->classes + class];
        if (other != class && taken > f.worst_count) {
            f.worst_count = taken;
            f.worst = other;
        }
    }
    return f;
}

static double ratio(uint64_t part, uint64_t whole)
{
    return whole ? (double)part / (double)whole : 0;
}

/* 2 precision recall / (precision + recall), without dividing by what may be 0. */
static double f1(const struct class_figures *f)
{
    return ratio(2 * f->correct, f->samples + f->predicted);
}

static double label_precision(const struct label_counts *c)
{
    return ratio(c->correct, c->predicted);
}

static double label_recall(const struct label_counts *c)
{
    return ratio(c->correct, c->actual);
}

static double label_f1(const struct label_counts *c)
{
    return ratio(2 * c->correct, c->predicted + c->actual);
}

struct evaluation_labels evaluation_labels(const struct evaluation *e)
{
    struct evaluation_labels out = { .exact = ratio(e->exact, e->tally.samples) };
    struct label_counts all = { .predicted = 0 };
    double counted = 0;

    for (size_t l = 0; l < e->classes; l++) {
        const struct label_counts *c = &e->labels[l];

        all.predicted += c->predicted;
        all.actual += c->actual;
        all.correct += c->correct;
        if (!c->actual)
            continue;
        counted++;
        out.macro_precision += label_precision(c);
        out.macro_recall += label_recall(c);
        out.macro_f1 += label_f1(c);
    }
    out.micro_precision = label_precision(&all);
    out.micro_recall = label_recall(&all);
    out.micro_f1 = label_f1(&all);
    counted = fmax(counted, 1);
    out.macro_precision /= counted;
    out.macro_recall /= counted;
    out.macro_f1 /= counted;
    return out;
}

bool evaluation_others(const struct evaluation *e, char *const *labels, struct label_counts *out)
{
    size_t outside = 0;

    *out = (struct label_counts){ .predicted = 0 };
    while (e->confusion && labels && outside < e->classes && strcmp(labels[outside], DATASET_NO_KEYWORD) != 0)
        outside++;
    if (!e->confusion || !labels || outside == e->classes)
        return false;
    for (size_t row = 0; row <= e->classes; row++) {
        for (size_t c = 0; c < e->classes; c++) {
            const uint64_t times = e->confusion[row * e->classes + c];

            out->actual += row != outside ? times : 0;
            out->predicted += c != outside ? times : 0;
            out->correct += row == c && c != outside ? times : 0;
        }
    }
    return true;
}

struct evaluation_balance evaluation_balance(const struct evaluation *e)
{
    struct evaluation_balance b = { .classes = 0 };
    uint64_t max = 0;

    if (e->labels)
        b.macro_f1 = evaluation_labels(e).macro_f1;
    if (!e->confusion)
        return b;

    for (size_t c = 0; c < e->classes; c++) {
        struct class_figures f = figures(e, c);

        b.predicted += f.predicted > 0;
        if (!f.samples)
            continue;
        b.classes++;
        b.balanced += ratio(f.correct, f.samples);
        b.macro_f1 += f1(&f);
        if (f.samples > max) {
            max = f.samples;
            b.common = c;
        }
    }
    b.majority = ratio(max, e->tally.actual);
    b.balanced = b.classes ? b.balanced / (double)b.classes : 0;
    b.macro_f1 = b.classes ? b.macro_f1 / (double)b.classes : 0;
    return b;
}

bool balance_is_guessing(const struct evaluation_balance *b)
{
    double chance = b->classes ? 1 / (double)b->classes : 1;

    return b->classes > 1 && b->balanced < chance + (1 - chance) / 20;
}

static const char *label_of(char *const *labels, size_t class, char buffer[static 24])
{
    if (labels)
        return labels[class];
    snprintf(buffer, 24, "%zu", class);
    return buffer;
}

static void print_table(const struct evaluation *e, char *const *labels, FILE *to)
{
    char number[24];

    fprintf(to, "\n%-16s", "true \\ predicted");
    for (size_t c = 0; c < e->classes; c++)
        fprintf(to, " %5.5s", label_of(labels, c, number));
    fputc('\n', to);
    for (size_t row = 0; row < e->classes; row++) {
        fprintf(to, "%-16.16s", label_of(labels, row, number));
        for (size_t c = 0; c < e->classes; c++)
            fprintf(to, " %5llu", (unsigned long long)e->confusion[row * e->classes + c]);
        fputc('\n', to);
    }
}

static void print_labels(const struct evaluation *e, char *const *labels, FILE *to)
{
    const struct evaluation_labels all = evaluation_labels(e);
    char number[24];

    fprintf(to, "%-16s %8s %8s %10s %8s\n", "label", "samples", "recall", "precision", "F1");
    for (size_t l = 0; l < e->classes; l++) {
        const struct label_counts *c = &e->labels[l];

        fprintf(to, "%-16.16s %8llu %7.2f%% %9.2f%% %8.4f\n", label_of(labels, l, number),
                (unsigned long long)c->actual, 100 * label_recall(c), 100 * label_precision(c), label_f1(c));
    }
    fprintf(to, "\nmicro F1 %.4f (recall %.2f%%, precision %.2f%%), macro F1 %.4f (%.2f%%, %.2f%%)\n", all.micro_f1,
            100 * all.micro_recall, 100 * all.micro_precision, all.macro_f1, 100 * all.macro_recall,
            100 * all.macro_precision);
    fprintf(to, "every label right in %.2f%%, loss %.4f\n", 100 * all.exact, loss_mean(&e->tally));
}

/* Per number, over samples and numbers. */
static double mean_of(const struct evaluation *e, double sum)
{
    return e->tally.samples ? sum / (double)e->tally.samples / (double)e->classes : 0;
}

static void print_numbers(const struct evaluation *e, FILE *to)
{
    fprintf(to, "mean squared error %.6g, mean absolute error %.6g, loss %.6g\n", mean_of(e, e->squares),
            mean_of(e, e->distances), loss_mean(&e->tally));
}

/* Of how many words, all alike, one would be as surprising. */
static double perplexity(const struct evaluation *e)
{
    return e->tally.actual ? exp(e->surprise / (double)e->tally.actual) : 1;
}

static void print_words(const struct evaluation *e, FILE *to)
{
    fprintf(to, "token accuracy %.2f%% (%llu of %llu), perplexity %.2f, loss %.4f\n", 100 * evaluation_accuracy(e),
            (unsigned long long)e->tally.correct, (unsigned long long)e->tally.actual, perplexity(e),
            loss_mean(&e->tally));
}

static void print_labels_in_order(const struct evaluation *e, FILE *to)
{
    fprintf(to, "labels in their order: %llu said, %llu of them right of %llu, F1 %.4f, loss %.4f\n",
            (unsigned long long)e->tally.predicted, (unsigned long long)e->tally.correct,
            (unsigned long long)e->tally.actual, evaluation_accuracy(e), loss_mean(&e->tally));
    fprintf(to, "error rate %.2f%% (%llu edits), every label right in %.2f%%\n", 100 * evaluation_error_rate(e),
            (unsigned long long)e->edits, 100 * ratio(e->exact, e->tally.samples));
}

static void print_classes(const struct evaluation *e, char *const *labels, FILE *to)
{
    const struct evaluation_balance b = evaluation_balance(e);
    char number[24], worst[24];
    struct label_counts others;

    fprintf(to, "%-16s %8s %8s %10s %8s  %s\n", "class", "samples", "recall", "precision", "F1",
            "most often taken for");
    for (size_t c = 0; c < e->classes; c++) {
        struct class_figures f = figures(e, c);

        fprintf(to, "%-16.16s %8llu %7.2f%% %9.2f%% %8.4f", label_of(labels, c, number), (unsigned long long)f.samples,
                100 * ratio(f.correct, f.samples), 100 * ratio(f.correct, f.predicted), f1(&f));
        if (f.worst_count)
            fprintf(to, "  %s (%llu)", label_of(labels, f.worst, worst), (unsigned long long)f.worst_count);
        fputc('\n', to);
    }
    if (e->classes <= TABLE_CLASSES_MAX)
        print_table(e, labels, to);
    fprintf(to, "\naccuracy %.2f%% (%llu of %llu), loss %.4f\n", 100 * evaluation_accuracy(e),
            (unsigned long long)e->tally.correct, (unsigned long long)e->tally.actual, loss_mean(&e->tally));
    fprintf(to, "balanced accuracy %.2f%%, macro F1 %.4f; always \"%s\" would be right in %.2f%%\n", 100 * b.balanced,
            b.macro_f1, label_of(labels, b.common, number), 100 * b.majority);
    if (evaluation_others(e, labels, &others))
        fprintf(to, "F1 of all but \"" DATASET_NO_KEYWORD "\" %.4f (recall %.2f%%, precision %.2f%%)\n",
                label_f1(&others), 100 * label_recall(&others), 100 * label_precision(&others));
}

void evaluation_print(const struct evaluation *e, char *const *labels, FILE *to)
{
    if (e->confusion)
        print_classes(e, labels, to);
    else if (e->targets == TARGETS_SET)
        print_labels(e, labels, to);
    else if (e->targets == TARGETS_WORDS)
        print_words(e, to);
    else if (e->targets == TARGETS_LABELS)
        print_labels_in_order(e, to);
    else if (e->targets == TARGETS_SPECTRA)
        fprintf(to, "loss %.4f dB\n", loss_mean(&e->tally));
    else
        print_numbers(e, to);
}

static json_t *labels_json(const struct evaluation *e, char *const *labels)
{
    const struct evaluation_labels all = evaluation_labels(e);
    json_t *rows = json_array();
    char number[24];

    for (size_t l = 0; l < e->classes; l++) {
        const struct label_counts *c = &e->labels[l];

        json_array_append_new(rows, json_pack("{s:s s:I s:f s:f s:f}", "label", label_of(labels, l, number), "samples",
                                              (json_int_t)c->actual, "recall", label_recall(c), "precision",
                                              label_precision(c), "f1", label_f1(c)));
    }
    return json_pack("{s:f s:f s:f s:f s:f s:f s:f s:I s:f s:o}", "micro_precision", all.micro_precision,
                     "micro_recall", all.micro_recall, "micro_f1", all.micro_f1, "macro_precision", all.macro_precision,
                     "macro_recall", all.macro_recall, "macro_f1", all.macro_f1, "exact_match", all.exact, "samples",
                     (json_int_t)e->tally.samples, "loss", loss_mean(&e->tally), "labels", rows);
}

static json_t *classes_json(const struct evaluation *e, char *const *labels)
{
    json_t *classes = json_array(), *confusion = json_array(), *object;
    const struct evaluation_balance b = evaluation_balance(e);
    struct label_counts others;
    char number[24];

    for (size_t c = 0; c < e->classes; c++) {
        struct class_figures f = figures(e, c);
        json_t *row = json_array();

        json_array_append_new(classes,
                              json_pack("{s:s s:I s:f s:f s:f}", "label", label_of(labels, c, number), "samples",
                                        (json_int_t)f.samples, "recall", ratio(f.correct, f.samples), "precision",
                                        ratio(f.correct, f.predicted), "f1", f1(&f)));
        for (size_t other = 0; other < e->classes; other++)
            json_array_append_new(row, json_integer((json_int_t)e->confusion[c * e->classes + other]));
        json_array_append_new(confusion, row);
    }
    object = json_pack("{s:f s:f s:f s:f s:I s:I s:f s:o s:o}", "accuracy", evaluation_accuracy(e), "balanced_accuracy",
                       b.balanced, "macro_f1", b.macro_f1, "majority", b.majority, "samples",
                       (json_int_t)e->tally.samples, "correct", (json_int_t)e->tally.correct, "loss",
                       loss_mean(&e->tally), "classes", classes, "confusion", confusion);
    if (evaluation_others(e, labels, &others))
        json_object_set_new(object, "f1", json_real(label_f1(&others)));
    if (e->tally.actual != e->tally.samples)
        json_object_set_new(object, "words", json_integer((json_int_t)e->tally.actual));
    return object;
}

json_t *evaluation_json(const struct evaluation *e, char *const *labels)
{
    if (e->confusion)
        return classes_json(e, labels);
    if (e->targets == TARGETS_SET)
        return labels_json(e, labels);
    if (e->targets == TARGETS_LABELS)
        return json_pack("{s:f s:I s:f s:f s:I s:I s:I s:I s:f}", "error_rate", evaluation_error_rate(e), "edits",
                         (json_int_t)e->edits, "exact_match", ratio(e->exact, e->tally.samples), "f1",
                         evaluation_accuracy(e), "said", (json_int_t)e->tally.predicted, "right",
                         (json_int_t)e->tally.correct, "labels", (json_int_t)e->tally.actual, "samples",
                         (json_int_t)e->tally.samples, "loss", loss_mean(&e->tally));
    if (e->targets == TARGETS_WORDS)
        return json_pack("{s:f s:f s:I s:I s:f}", "token_accuracy", evaluation_accuracy(e), "perplexity", perplexity(e),
                         "words", (json_int_t)e->tally.actual, "samples", (json_int_t)e->tally.samples, "loss",
                         loss_mean(&e->tally));
    return json_pack("{s:f s:f s:I s:f}", "mse", mean_of(e, e->squares), "mae", mean_of(e, e->distances), "samples",
                     (json_int_t)e->tally.samples, "loss", loss_mean(&e->tally));
}
