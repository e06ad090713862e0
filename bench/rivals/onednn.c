/* SPDX-License-Identifier: Apache-2.0
 *
 * oneDNN: an inner product whose weight stands in the layout that oneDNN prefers, in single precision and in bf16 (sums
 * in single precision), and its matrix product on operands as ours.
 */
#include <stdio.h>
#include <stdlib.h>

#include <oneapi/dnnl/dnnl.h>

#include "libraries.h"

struct inner {
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    dnnl_primitive_t primitive;
    dnnl_memory_t x, w, y;
};

static void must(dnnl_status_t status)
{
    if (status != dnnl_success) {
        fprintf(stderr, "bench_kernels: oneDNN says %d\n", (int)status);
        exit(1);
    }
}

/* Of what stands in memory plainly, in the type and the layout of `as`. */
static dnnl_memory_t reorder(const struct inner *i, const float *from, const dnnl_dims_t dims,
                             const dnnl_memory_desc_t *as)
{
    dnnl_memory_t plain, made;
    dnnl_primitive_desc_t what;
    dnnl_primitive_t primitive;
    dnnl_memory_desc_t desc;

    must(dnnl_memory_desc_init_by_tag(&desc, 2, dims, dnnl_f32, dnnl_ab));
    must(dnnl_memory_create(&plain, &desc, i->engine, (void *)(uintptr_t)from));
    must(dnnl_memory_create(&made, as, i->engine, DNNL_MEMORY_ALLOCATE));
    must(dnnl_reorder_primitive_desc_create(&what, &desc, i->engine, as, i->engine, NULL));
    must(dnnl_primitive_create(&primitive, what));
    must(dnnl_primitive_execute(primitive, i->stream, 2,
                                (dnnl_exec_arg_t[]){ { DNNL_ARG_FROM, plain }, { DNNL_ARG_TO, made } }));
    must(dnnl_stream_wait(i->stream));
    dnnl_primitive_destroy(primitive);
    dnnl_primitive_desc_destroy(what);
    dnnl_memory_destroy(plain);
    return made;
}

static void *inner_open(const struct rival_operands *o, dnnl_data_type_t type)
{
    const dnnl_dim_t rows = o->w->rows, columns = o->w->columns, n = (dnnl_dim_t)o->n;
    const dnnl_dims_t x_dims = { n, columns }, w_dims = { rows, columns }, y_dims = { n, rows };
    static dnnl_memory_desc_t x, w, y; /* kilobytes each, more than a frame may have under a sanitizer */
    static dnnl_inner_product_desc_t what;
    dnnl_primitive_desc_t made;
    struct inner *i = calloc(1, sizeof *i);

    if (!i)
        abort();
    must(dnnl_engine_create(&i->engine, dnnl_cpu, 0));
    must(dnnl_stream_create(&i->stream, i->engine, dnnl_stream_default_flags));
    must(dnnl_memory_desc_init_by_tag(&x, 2, x_dims, type, dnnl_ab));
    must(dnnl_memory_desc_init_by_tag(&w, 2, w_dims, type, dnnl_format_tag_any));
    must(dnnl_memory_desc_init_by_tag(&y, 2, y_dims, dnnl_f32, dnnl_ab));
    must(dnnl_inner_product_forward_desc_init(&what, dnnl_forward_inference, &x, &w, NULL, &y));
    if (dnnl_primitive_desc_create(&made, &what, NULL, i->engine, NULL) != dnnl_success) {
        dnnl_stream_destroy(i->stream); /* this processor has no such product */
        dnnl_engine_destroy(i->engine);
        free(i);
        return NULL;
    }
    must(dnnl_primitive_create(&i->primitive, made));
    i->x = reorder(i, o->x_rows, x_dims, &x);
    i->w = reorder(i, o->dense, w_dims, dnnl_primitive_desc_query_md(made, dnnl_query_weights_md, 0));
    must(dnnl_memory_create(&i->y, &y, i->engine, o->y));
    dnnl_primitive_desc_destroy(made);
    return i;
}

static void *inner_open_f32(const struct rival_operands *o)
{
    return inner_open(o, dnnl_f32);
}

static void *inner_open_bf16(const struct rival_operands *o)
{
    return inner_open(o, dnnl_bf16);
}

static void inner_run(void *opened, const struct rival_operands *o)
{
    const struct inner *i = opened;
    const dnnl_exec_arg_t arguments[] = { { DNNL_ARG_SRC, i->x }, { DNNL_ARG_WEIGHTS, i->w }, { DNNL_ARG_DST, i->y } };

    (void)o;
    must(dnnl_primitive_execute(i->primitive, i->stream, 3, arguments));
    must(dnnl_stream_wait(i->stream));
}

static void inner_close(void *opened)
{
    struct inner *i = opened;

    dnnl_memory_destroy(i->x);
    dnnl_memory_destroy(i->w);
    dnnl_memory_destroy(i->y);
    dnnl_primitive_destroy(i->primitive);
    dnnl_stream_destroy(i->stream);
    dnnl_engine_destroy(i->engine);
    free(i);
}

static void *sgemm_open(const struct rival_operands *o)
{
    return (void *)(uintptr_t)o->dense; /* nothing to make */
}

static void sgemm_run(void *opened, const struct rival_operands *o)
{
    const dnnl_dim_t rows = o->w->rows, columns = o->w->columns, n = (dnnl_dim_t)o->n;

    (void)opened;
    must(dnnl_sgemm('N', 'N', rows, n, columns, 1, o->dense, columns, o->x, n, 0, o->y, n));
}

static void sgemm_close(void *opened)
{
    (void)opened;
}

const struct rival rival_onednn = { "onednn", RIVAL_DENSE, inner_open_f32, inner_run, inner_close, NULL };
const struct rival rival_onednn_sgemm = { "onednn_sgemm", RIVAL_DENSE, sgemm_open, sgemm_run, sgemm_close, NULL };
const struct rival rival_onednn_bf16 = { "onednn_bf16", RIVAL_BF16, inner_open_bf16, inner_run, inner_close, NULL };
