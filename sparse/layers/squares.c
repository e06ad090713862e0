/* SPDX-License-Identifier: Apache-2.0 */
#include "sparse/layers/squares.h"
#include "base/pool.h"

struct squares {
    const struct shape *packed;
    size_t factor, batch;
    const float *from;
    float *to;
    bool pack; /* from is spread, and to packed; else the other way round */
    bool add;
};

/* A row of one packed channel: where it stands, and where its pixels do when spread, each `step` elements after the
 * other. */
struct squares_row {
    size_t packed, spread, step, pixels, batch;
};

static struct squares_row row_at(const struct squares *s, size_t channel, size_t y)
{
    const size_t factor = s->factor, batch = s->batch;
    const size_t height = s->packed->dimension[1], width = s->packed->dimension[2];
    const size_t place = channel % (factor * factor);
    const size_t spread_row = channel / (factor * factor) * height * factor + y * factor + place / factor;

    return (struct squares_row){ .packed = (channel * height + y) * width * batch,
                                 .spread = (spread_row * width * factor + place % factor) * batch,
                                 .step = factor * batch,
                                 .pixels = width,
                                 .batch = batch };
}

static void move_row(const struct squares *s, const struct squares_row *row)
{
    const size_t from_step = s->pack ? row->step : row->batch, to_step = s->pack ? row->batch : row->step;
    const float *from = s->from + (s->pack ? row->spread : row->packed);
    float *to = s->to + (s->pack ? row->packed : row->spread);

    for (size_t x = 0; x < row->pixels; x++) {
        for (size_t b = 0; b < row->batch; b++)
            to[x * to_step + b] = s->add ? to[x * to_step + b] + from[x * from_step + b] : from[x * from_step + b];
    }
}

static void squares_move(const struct squares *squares, unsigned part, unsigned parts)
{
    const size_t height = squares->packed->dimension[1];
    unsigned long long begin, end;

    pool_share(squares->packed->dimension[0] * height, 1, part, parts, &begin, &end);
    for (size_t y = begin; y < end; y++) {
        const struct squares_row row = row_at(squares, y / height, y % height);

        move_row(squares, &row);
    }
}

void squares_forward(const struct layer_run *run, bool pack)
{
    const struct squares squares = { .packed = pack ? &run->out->shape : &run->in[0]->shape,
                                     .factor = (size_t)run->layer->parameters[0],
                                     .batch = run->out->batch,
                                     .from = run->in[0]->data,
                                     .to = run->out->data,
                                     .pack = pack };

    squares_move(&squares, run->part, run->parts);
}

void squares_backward(const struct layer_back *back, bool pack)
{
    const struct squares squares = { .packed = pack ? &back->run.out->shape : &back->run.in[0]->shape,
                                     .factor = (size_t)back->run.layer->parameters[0],
                                     .batch = back->run.out->batch,
                                     .from = back->out_gradient,
                                     .to = back->in_gradient[0],
                                     .pack = !pack,
                                     .add = back->accumulate[0] };

    if (squares.to)
        squares_move(&squares, back->run.part, back->run.parts);
}
