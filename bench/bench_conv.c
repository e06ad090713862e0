/* SPDX-License-Identifier: Apache-2.0
 *
 * Convolutions against dense, one core: the sparse layer, forward and back, beside oneDNN's, which is what PyTorch runs
 * on a CPU, on the dense weight. oneDNN has weights and pictures in the layouts that it prefers, and no time to bring
 * them there counts. The two run in turn, many times; the median of each is given.
 *
 * bench_conv             the 3 x 3 convolutions of resnet-8-w16 and resnet-20-w16
 * bench_conv networks [FIRST PAST]    forward alone, of ResNet-50 and MobileNet: 1 x 1, 3 x 3 and depthwise; or of so
 * many of those
 * bench_conv batches SPARSITY FIRST PAST N...     forward, of so many of both: N samples at once beside as many one
 * after the other, each with a picture of its own
 */
#include <dlfcn.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <oneapi/dnnl/dnnl.h>

#include "base/memory.h"
#include "base/rng.h"
#include "base/size.h"
#include "sparse/construct/sample.h"
#include "sparse/layers/convolution/convolution.h"

enum { ROUNDS = 31, CPU = 1 };

struct shape_case {
    uint32_t channels, outputs, side, stride, groups, kernel;
};

static void fill(float *to, size_t count)
{
    struct rng rng = rng_make(1, count);

    for (size_t i = 0; i < count; i++)
        to[i] = rng_float(&rng) - 0.5f;
}

static float *random_floats(size_t count)
{
    float *made = memory_alloc(count, sizeof *made);

    if (!made)
        abort();
    fill(made, count);
    return made;
}

/* ---- sparse ---- */

struct sparse {
    struct convolution c;
    struct csr weight;
    struct weights *packed;
    float *picture, *positions, *gradient, *weight_gradient;
    void *scratch;
    size_t singles; /* pictures, and positions of each */
};

static void *scratch_of(const struct convolution *c)
{
    static bool (*const others[])(const struct convolution *c,
                                  uint64_t *bytes) = { convolution_tile_scratch, convolution_samples_scratch,
                                                       convolution_lines_scratch, convolution_direct_scratch };
    uint64_t most = 0, bytes;

    for (int p = CONVOLUTION_GATHER; p <= CONVOLUTION_DOTS; p++) {
        if (!convolution_scratch(c, (enum convolution_product)p, false, &bytes))
            abort();
        most = MAX(most, bytes);
    }
    for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
        if (!others[i](c, &bytes))
            abort();
        most = MAX(most, bytes);
    }
    return random_floats(most / sizeof(float) + 1);
}

/* A picture of `side` x `side`, and a padding that keeps its size. */
static void sparse_init(struct sparse *s, const struct shape_case *shape, double sparsity, size_t batch, size_t singles)
{
    const uint32_t out = (shape->side - 1) / shape->stride + 1, k = shape->kernel;
    const uint32_t columns = shape->channels / shape->groups * k * k;
    const size_t pixels = (size_t)shape->side * shape->side * batch * singles;
    struct choice_cache *choices;
    struct way_choice ways;
    struct reason why;

    *s = (struct sparse){ .c = { .kernels = kernels_find("auto"),
                                 .weight = &s->weight,
                                 .window = { shape->side, shape->side, out, out, k, k, shape->stride, k / 2, k / 2 },
                                 .picture = shape->channels,
                                 .positions = shape->outputs,
                                 .groups = shape->groups,
                                 .batch = batch,
                                 .parts = 1 } };
    if (sample_connections(shape->outputs, columns, (uint64_t)((double)shape->outputs * columns * (1 - sparsity) + 0.5),
                           1, 0, &s->weight, &why)) {
        fprintf(stderr, "bench_conv: %s\n", why.text);
        exit(1);
    }
    sample_weights(&s->weight, 2, 1, 0);
    if (choice_cache_open(NULL, &choices))
        abort();
    if (convolution_is_product(&s->c) &&
        weights_new(s->c.kernels, &s->weight,
                    &(struct weights_use){ .columns_min = out * out, .columns_max = out * out * batch }, &s->packed))
        abort();
    if (convolution_choose(&s->c, choices, s->packed, &ways) || convolution_weights(&s->c, &ways, &s->packed))
        abort();
    choice_cache_free(choices);
    s->picture = random_floats(shape->channels * pixels);
    s->gradient = random_floats(shape->channels * pixels);
    s->positions = random_floats((size_t)shape->outputs * out * out * batch * singles);
    s->singles = singles;
    s->weight_gradient = random_floats(s->weight.count);
    s->scratch = scratch_of(&s->c);
}

static void sparse_deinit(struct sparse *s)
{
    csr_deinit(&s->weight);
    weights_free(s->packed);
    free(s->picture), free(s->positions), free(s->gradient), free(s->weight_gradient), free(s->scratch);
}

static void run_sparse(const void *argument, bool back)
{
    const struct sparse *s = argument;

    if (!back) {
        convolution_serve(&s->c, s->packed, s->picture, s->positions, s->scratch);
        return;
    }
    convolution_dots(&s->c, s->picture, s->positions, s->weight_gradient, s->scratch);
    convolution_spread(&s->c, s->positions, s->gradient, false, s->scratch);
}

/* ---- dense ---- */

enum { PRIMITIVES = 3, OPERANDS = 3 }; /* forward, and both gradients */

struct dense {
    dnnl_engine_t engine;
    dnnl_stream_t stream;
    dnnl_primitive_t primitives[PRIMITIVES];
    dnnl_exec_arg_t arguments[PRIMITIVES][OPERANDS];
    dnnl_memory_desc_t in, w, y;
    dnnl_convolution_desc_t what;
};

static void must(dnnl_status_t status)
{
    if (status != dnnl_success) {
        fprintf(stderr, "bench_conv: oneDNN says %d\n", (int)status);
        exit(1);
    }
}

static void add_operand(struct dense *d, int primitive, int operand, const_dnnl_primitive_desc_t made, int argument)
{
    static const struct {
        int argument;
        dnnl_query_t query;
    } queries[] = { { DNNL_ARG_SRC, dnnl_query_src_md },
                    { DNNL_ARG_WEIGHTS, dnnl_query_weights_md },
                    { DNNL_ARG_DST, dnnl_query_dst_md },
                    { DNNL_ARG_DIFF_SRC, dnnl_query_diff_src_md },
                    { DNNL_ARG_DIFF_WEIGHTS, dnnl_query_diff_weights_md },
                    { DNNL_ARG_DIFF_DST, dnnl_query_diff_dst_md } };
    dnnl_exec_arg_t *to = &d->arguments[primitive][operand];
    const dnnl_memory_desc_t *layout;
    size_t query = 0;
    void *memory;

    while (queries[query].argument != argument)
        query++;
    layout = dnnl_primitive_desc_query_md(made, queries[query].query, 0);
    to->arg = argument;
    must(dnnl_memory_create(&to->memory, layout, d->engine, DNNL_MEMORY_ALLOCATE));
    must(dnnl_memory_get_data_handle(to->memory, &memory));
    fill(memory, dnnl_memory_desc_get_size(layout) / sizeof(float));
}

static dnnl_primitive_desc_t add_primitive(struct dense *d, int index, const_dnnl_primitive_desc_t hint,
                                           const int *arguments)
{
    dnnl_primitive_desc_t made;

    must(dnnl_primitive_desc_create(&made, &d->what, NULL, d->engine, hint));
    must(dnnl_primitive_create(&d->primitives[index], made));
    for (int i = 0; i < OPERANDS; i++)
        add_operand(d, index, i, made, arguments[i]);
    return made;
}

static void dense_init(struct dense *d, const struct shape_case *shape, size_t batch)
{
    static const int forward[] = { DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DST };
    static const int data[] = { DNNL_ARG_DIFF_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_DIFF_DST };
    static const int weights[] = { DNNL_ARG_SRC, DNNL_ARG_DIFF_WEIGHTS, DNNL_ARG_DIFF_DST };
    const dnnl_dim_t n = (dnnl_dim_t)batch, groups = shape->groups, side = shape->side;
    const dnnl_dim_t out = (side - 1) / shape->stride + 1, from = shape->channels, to = shape->outputs;
    const dnnl_dim_t k = shape->kernel, pad = shape->kernel / 2;
    const dnnl_dims_t strides = { shape->stride, shape->stride }, padding = { pad, pad };
    const dnnl_dims_t in_shape = { n, from, side, side }, out_shape = { n, to, out, out };
    const dnnl_dims_t w_shape = { to, from, k, k }, grouped = { groups, to / groups, from / groups, k, k };
    dnnl_primitive_desc_t made[PRIMITIVES];

    must(dnnl_engine_create(&d->engine, dnnl_cpu, 0));
    must(dnnl_stream_create(&d->stream, d->engine, dnnl_stream_default_flags));
    must(dnnl_memory_desc_init_by_tag(&d->in, 4, in_shape, dnnl_f32, dnnl_format_tag_any));
    must(dnnl_memory_desc_init_by_tag(&d->y, 4, out_shape, dnnl_f32, dnnl_format_tag_any));
    must(dnnl_memory_desc_init_by_tag(&d->w, groups > 1 ? 5 : 4, groups > 1 ? grouped : w_shape, dnnl_f32,
                                      dnnl_format_tag_any));
    must(dnnl_convolution_forward_desc_init(&d->what, dnnl_forward_training, dnnl_convolution_direct, &d->in, &d->w,
                                            NULL, &d->y, strides, padding, padding));
    made[0] = add_primitive(d, 0, NULL, forward);
    must(dnnl_convolution_backward_data_desc_init(&d->what, dnnl_convolution_direct, &d->in, &d->w, &d->y, strides,
                                                  padding, padding));
    made[1] = add_primitive(d, 1, made[0], data);
    must(dnnl_convolution_backward_weights_desc_init(&d->what, dnnl_convolution_direct, &d->in, &d->w, NULL, &d->y,
                                                     strides, padding, padding));
    made[2] = add_primitive(d, 2, made[0], weights);
    for (int i = 0; i < PRIMITIVES; i++)
        dnnl_primitive_desc_destroy(made[i]);
}

static void dense_deinit(struct dense *d)
{
    for (int i = 0; i < PRIMITIVES; i++) {
        dnnl_primitive_destroy(d->primitives[i]);
        for (int j = 0; j < OPERANDS; j++)
            dnnl_memory_destroy(d->arguments[i][j].memory);
    }
    dnnl_stream_destroy(d->stream);
    dnnl_engine_destroy(d->engine);
}

static void run_dense(const void *argument, bool back)
{
    const struct dense *d = argument;

    for (int i = back ? 1 : 0; i < (back ? PRIMITIVES : 1); i++)
        must(dnnl_primitive_execute(d->primitives[i], d->stream, OPERANDS, d->arguments[i]));
    must(dnnl_stream_wait(d->stream));
}

/* ---- turns ---- */

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Of the thread: while others run in its stead, no time passes. */
static double thread_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static double time_of(void (*run)(const void *argument, bool back), const void *argument, bool back)
{
    const double begin = thread_us();

    run(argument, back);
    return thread_us() - begin;
}

static void measure(const struct shape_case *shape, double sparsity, size_t batch, bool back)
{
    double sparse_us[ROUNDS], dense_us[ROUNDS], ours, theirs, work;
    struct sparse sparse;
    static struct dense dense; /* its descriptions are too large for a stack */

    sparse_init(&sparse, shape, sparsity, batch, 1);
    dense_init(&dense, shape, batch);
    for (int round = -1; round < ROUNDS; round++) { /* the first warms up */
        sparse_us[MAX(round, 0)] = time_of(run_sparse, &sparse, back);
        dense_us[MAX(round, 0)] = time_of(run_dense, &dense, back);
    }
    qsort(sparse_us, ROUNDS, sizeof *sparse_us, compare);
    qsort(dense_us, ROUNDS, sizeof *dense_us, compare);
    ours = sparse_us[ROUNDS / 2];
    theirs = dense_us[ROUNDS / 2];
    work = (back ? 4.0 : 2.0) * (double)sparse.weight.count * (double)(window_positions(&sparse.c.window) * batch);
    printf("{\"bench\":\"conv\",\"pass\":\"%s\",\"channels\":%u,\"outputs\":%u,\"side\":%u,\"stride\":%u,\"groups\":%u,"
           "\"kernel\":%u,"
           "\"sparsity\":%.2f,\"n\":%zu,\"kernels\":\"%s\",\"way\":\"%s\",\"rounds\":%d,\"median_us\":%.1f,"
           "\"gflops\":%.1f,"
           "\"dense_us\":%.1f,\"ratio\":%.2f}\n",
           back ? "back" : "forward", shape->channels, shape->outputs, shape->side, shape->stride, shape->groups,
           shape->kernel, sparsity, batch, sparse.c.kernels->name,
           back ? "views" : convolution_kernel(&sparse.c, sparse.packed), ROUNDS, ours, work / ours / 1e3, theirs,
           theirs / ours);
    fflush(stdout);
    sparse_deinit(&sparse);
    dense_deinit(&dense);
}

/* ---- a batch, and its samples by themselves ---- */

static void run_singles(const void *argument, bool back)
{
    const struct sparse *s = argument;
    const size_t picture = (size_t)s->c.picture * s->c.window.height * s->c.window.width;
    const size_t positions = s->c.positions * window_positions(&s->c.window);

    (void)back;
    for (size_t i = 0; i < s->singles; i++)
        convolution_serve(&s->c, s->packed, s->picture + i * picture, s->positions + i * positions, s->scratch);
}

static void measure_batch(const struct shape_case *shape, double sparsity, size_t batch)
{
    double batch_us[ROUNDS], singles_us[ROUNDS];
    struct sparse many, one;

    sparse_init(&many, shape, sparsity, batch, 1);
    sparse_init(&one, shape, sparsity, 1, batch);
    for (int round = -1; round < ROUNDS; round++) { /* the first warms up */
        batch_us[MAX(round, 0)] = time_of(run_sparse, &many, false);
        singles_us[MAX(round, 0)] = time_of(run_singles, &one, false);
    }
    qsort(batch_us, ROUNDS, sizeof *batch_us, compare);
    qsort(singles_us, ROUNDS, sizeof *singles_us, compare);
    printf("{\"bench\":\"conv\",\"channels\":%u,\"outputs\":%u,\"side\":%u,\"stride\":%u,\"groups\":%u,\"kernel\":%u,"
           "\"sparsity\":%.2f,\"n\":%zu,\"kernels\":\"%s\",\"rounds\":%d,\"way\":\"%s\",\"way_alone\":\"%s\","
           "\"batch_us\":%.1f,\"singles_us\":%.1f,\"ratio\":%.2f}\n",
           shape->channels, shape->outputs, shape->side, shape->stride, shape->groups, shape->kernel, sparsity, batch,
           many.c.kernels->name, ROUNDS, convolution_kernel(&many.c, many.packed),
           convolution_kernel(&one.c, one.packed), batch_us[ROUNDS / 2], singles_us[ROUNDS / 2],
           singles_us[ROUNDS / 2] / batch_us[ROUNDS / 2]);
    fflush(stdout);
    sparse_deinit(&many);
    sparse_deinit(&one);
}

/* oneDNN shares work among OpenMP's threads. */
static void use_one_thread(void)
{
    void (*set_threads)(int);
    cpu_set_t one;

    *(void **)&set_threads = dlsym(RTLD_DEFAULT, "omp_set_num_threads");
    if (set_threads)
        set_threads(1);
    CPU_ZERO(&one);
    CPU_SET(CPU, &one);
    sched_setaffinity(0, sizeof one, &one); /* on a machine with one CPU it stays where it is */
}

static const double sparsities[] = { 0.5, 0.8, 0.9 };

/* Forward, and back where a network is trained with them. */
static void measure_all(const struct shape_case *shapes, size_t count, size_t batch, bool both)
{
    for (size_t s = 0; s < ARRAY_SIZE(sparsities); s++) {
        for (size_t i = 0; i < count; i++) {
            measure(&shapes[i], sparsities[s], batch, false);
            if (both)
                measure(&shapes[i], sparsities[s], batch, true);
        }
    }
}

/* Those of ResNet-20, then those of larger networks. */
enum { RESNET20 = 8 };

static const struct shape_case shapes[] = {
    { 3, 16, 32, 1, 1, 3 },      { 16, 16, 32, 1, 1, 3 },     { 16, 32, 32, 2, 1, 3 },     { 32, 32, 16, 1, 1, 3 },
    { 32, 64, 16, 2, 1, 3 },     { 64, 64, 8, 1, 1, 3 },      { 64, 64, 16, 1, 64, 3 },    { 64, 64, 16, 1, 8, 3 },
    { 256, 64, 56, 1, 1, 1 },    { 512, 128, 28, 1, 1, 1 },   { 1024, 256, 14, 1, 1, 1 },  { 512, 2048, 7, 1, 1, 1 },
    { 64, 64, 56, 1, 1, 3 },     { 128, 128, 28, 1, 1, 3 },   { 256, 256, 14, 1, 1, 3 },   { 512, 512, 7, 1, 1, 3 },
    { 128, 128, 56, 2, 1, 3 },   { 32, 64, 112, 1, 1, 1 },    { 512, 512, 14, 1, 1, 1 },   { 32, 32, 112, 1, 32, 3 },
    { 128, 128, 56, 1, 128, 3 }, { 512, 512, 14, 1, 512, 3 }, { 256, 256, 28, 2, 256, 3 },
};

/* [FIRST, PAST) of `count`, which may not be given. */
static bool take_range(char **words, int given, size_t count, size_t *first, size_t *past)
{
    *first = given > 0 ? strtoul(words[0], NULL, 10) : 0;
    *past = given > 1 ? strtoul(words[1], NULL, 10) : count;
    return *first < *past && *past <= count;
}

static void measure_batches(double sparsity, char **words, int given)
{
    size_t first, past;

    if (!take_range(words, given, ARRAY_SIZE(shapes), &first, &past))
        return;
    for (; first < past; first++) {
        for (int n = 2; n < given; n++)
            measure_batch(&shapes[first], sparsity, strtoul(words[n], NULL, 10));
    }
}

int main(int argc, char **argv)
{
    const size_t networks = ARRAY_SIZE(shapes) - RESNET20;
    size_t first, past;

    use_one_thread();
    if (argc > 5 && !strcmp(argv[1], "batches")) {
        measure_batches(strtod(argv[2], NULL), argv + 3, argc - 3);
        return 0;
    }
    if (argc > 1 && !strcmp(argv[1], "networks")) {
        if (take_range(argv + 2, argc - 2, networks, &first, &past)) {
            measure_all(shapes + RESNET20 + first, past - first, 1, false);
            measure_all(shapes + RESNET20 + first, past - first, 16, false);
        }
        return 0;
    }
    measure_all(shapes, RESNET20, 1, true);
    measure_all(shapes, RESNET20, 8, true);
    measure_all(shapes, RESNET20, 32, true);
    return 0;
}
