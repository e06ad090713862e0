/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "base/size.h"
#include "forge/train/alignment/ctc.h"
#include "sparse/kernels/functions.h"

/* A probability that rounds to 0 is a large loss, not an infinite one. */
#define PROBABILITY_MIN 1e-30f

static size_t states_of(const struct ctc *c)
{
    return 2 * c->label_count + 1;
}

/* Forward, a row a frame; two rows backward. */
size_t ctc_room(size_t frames, size_t labels)
{
    return (frames + 2) * (2 * labels + 1);
}

/* Labels at odd places, 0 around them. */
static size_t class_of(const struct ctc *c, size_t state)
{
    return state % 2 ? (size_t)c->labels[state / 2 * c->label_step] : 0;
}

static double log_of(const struct ctc *c, size_t frame, size_t state)
{
    const float p = c->p[class_of(c, state) * c->class_step + frame * c->frame_step];

    return (double)function_log(p < PROBABILITY_MIN ? PROBABILITY_MIN : p);
}

/* log(e^a + e^b) */
static double add(double a, double b)
{
    const double larger = a > b ? a : b, smaller = a > b ? b : a;

    return smaller == -INFINITY ? larger : larger + (double)function_log(1 + function_exp((float)(smaller - larger)));
}

/* Whether a way may go from the state before the last to this one: over a 0, between labels that differ. */
static bool skips(const struct ctc *c, size_t state)
{
    return state >= 2 && state % 2 && class_of(c, state) != class_of(c, state - 2);
}

static void run_forward(const struct ctc *c, double *rows)
{
    const size_t states = states_of(c);

    for (size_t t = 0; t < c->frames; t++) {
        double *row = rows + t * states;
        const double *before = row - states;

        for (size_t s = 0; s < states; s++) {
            double sum = t ? before[s] : s < 2 ? 0 : -INFINITY;

            if (t && s >= 1)
                sum = add(sum, before[s - 1]);
            if (t && skips(c, s))
                sum = add(sum, before[s - 2]);
            row[s] = sum + log_of(c, t, s);
        }
    }
}

/* Of what follows frame t, by the state there; `after` is the row of the frame behind it. */
static void run_backward(const struct ctc *c, size_t t, const double *after, double *row)
{
    const size_t states = states_of(c);

    for (size_t s = 0; s < states; s++) {
        if (t + 1 == c->frames) {
            row[s] = s + 2 >= states ? 0 : -INFINITY;
            continue;
        }
        row[s] = after[s] + log_of(c, t + 1, s);
        if (s + 1 < states)
            row[s] = add(row[s], after[s + 1] + log_of(c, t + 1, s + 1));
        if (s + 2 < states && skips(c, s + 2))
            row[s] = add(row[s], after[s + 2] + log_of(c, t + 1, s + 2));
    }
}

static void write_gradient(const struct ctc *c, const struct ctc_gradient *g, double total)
{
    const size_t states = states_of(c);
    double *rows[2] = { c->room + c->frames * states, c->room + (c->frames + 1) * states };

    for (size_t i = c->frames * c->classes; i < g->frames * c->classes; i++)
        g->values[i % c->classes * g->class_step + i / c->classes * g->frame_step] = 0;
    for (size_t t = c->frames; t-- > 0;) {
        double *row = rows[t % 2];
        const double *forward = c->room + t * states;

        run_backward(c, t, rows[(t + 1) % 2], row);
        for (size_t k = 0; k < c->classes; k++)
            g->values[k * g->class_step + t * g->frame_step] =
                total == -INFINITY ? 0 : c->p[k * c->class_step + t * c->frame_step];
        for (size_t s = 0; s < states && total != -INFINITY; s++)
            g->values[class_of(c, s) * g->class_step + t * g->frame_step] -=
                function_exp((float)(forward[s] + row[s] - total));
    }
}

double ctc_loss(const struct ctc *c, const struct ctc_gradient *gradient)
{
    const size_t states = states_of(c);
    const double *last = c->room + (c->frames - 1) * states;
    double total;

    run_forward(c, c->room);
    total = states > 1 ? add(last[states - 1], last[states - 2]) : last[0];
    if (gradient)
        write_gradient(c, gradient, total);
    return -total;
}

size_t ctc_count(const int32_t *labels, size_t step, size_t max)
{
    size_t count = 0;

    while (count < max && labels[count * step] >= 0)
        count++;
    return count;
}

static size_t best_class(const struct ctc *c, size_t frame)
{
    size_t best = 0;

    for (size_t k = 1; k < c->classes; k++) {
        if (c->p[k * c->class_step + frame * c->frame_step] > c->p[best * c->class_step + frame * c->frame_step])
            best = k;
    }
    return best;
}

/* Of the first i labels and those that were said so far: row[i] is what they have in common in their order, edits[i]
 * how many have to be taken out, put in or exchanged to make the one the other. */
static void take_label(const struct ctc *c, size_t said, size_t how_many, double *row, double *edits)
{
    double corner = 0, edit_corner = edits[0];

    edits[0] = (double)how_many;
    for (size_t i = 1; i <= c->label_count; i++) {
        const double above = row[i], edit_above = edits[i];
        const bool same = (size_t)c->labels[(i - 1) * c->label_step] == said;

        row[i] = same ? corner + 1 : fmax(row[i - 1], above);
        edits[i] = same ? edit_corner : 1 + fmin(edit_corner, fmin(edits[i - 1], edit_above));
        corner = above;
        edit_corner = edit_above;
    }
}

static void compare_begin(const struct ctc *c)
{
    for (size_t i = 0; i <= c->label_count; i++) {
        c->room[i] = 0;
        c->room[c->label_count + 1 + i] = (double)i;
    }
}

static void compare(const struct ctc *c, struct ctc_guess *guess, size_t said)
{
    take_label(c, said, ++guess->said, c->room, c->room + c->label_count + 1);
}

static void compare_end(const struct ctc *c, struct ctc_guess *guess)
{
    guess->right = (size_t)c->room[c->label_count];
    guess->edits = (size_t)c->room[2 * c->label_count + 1];
}

struct ctc_guess ctc_guess(const struct ctc *c)
{
    struct ctc_guess guess = { .said = 0 };
    size_t before = 0;

    compare_begin(c);
    for (size_t t = 0; t < c->frames; t++) {
        const size_t said = best_class(c, t);

        if (said && said != before)
            compare(c, &guess, said);
        before = said;
    }
    compare_end(c, &guess);
    return guess;
}

struct ctc_guess ctc_compare(const struct ctc *c, const uint32_t *said, size_t count)
{
    struct ctc_guess guess = { .said = 0 };

    compare_begin(c);
    for (size_t i = 0; i < count; i++)
        compare(c, &guess, said[i]);
    compare_end(c, &guess);
    return guess;
}
