/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/memory.h"
#include "base/outcome.h"
#include "base/size.h"
#include "forge/draw/draw.h"
#include "forge/draw/paint.h"
#include "forge/plan/assemble.h"
#include "forge/plan/save.h"
#include "forge/verbs/structure_picture.h"
#include "sparse/file/model_file.h"

/* What is drawn: a plan, or a model's layers and connections. */
struct subject {
    struct plan plan;
    struct structure structure; /* a model's */
    struct density_layer *layers;
    struct model *model;
    char *title;
};

static void subject_deinit(struct subject *subject)
{
    plan_deinit(&subject->plan);
    structure_deinit(&subject->structure);
    free(subject->layers);
    model_free(subject->model);
    free(subject->title);
}

static int read_model(const char *path, struct subject *subject, struct reason *why)
{
    uint32_t seen = 0;
    int result = model_read(path, &subject->model, why);

    if (!result)
        result = structure_of_model(subject->model, &subject->structure, why);
    if (result)
        return result;
    subject->layers = memory_zalloc(structure_weighted(&subject->structure), sizeof *subject->layers);
    subject->title = strdup(subject->model->name);
    if (!subject->layers || !subject->title)
        return refuse_errno(why, -ENOMEM, "picture");
    structure_density_layers(&subject->structure, subject->layers);
    for (uint32_t i = 0; i < subject->model->layer_count; i++) {
        const struct csr *weight = &subject->model->layers[i].weight;

        if (!subject->model->layers[i].kind->weighted)
            continue;
        subject->layers[seen].potential = (uint64_t)weight->rows * weight->columns;
        subject->layers[seen++].connections = weight->count;
    }
    return 0;
}

static int make_plan(const char *verb, const struct plan_options *options, bool sparse, struct subject *subject)
{
    struct structure structure;
    struct reason why;
    int status, result;

    if (sparse) {
        status = plan_from_options(verb, options, NULL, &subject->plan);
        if (status)
            return status;
    } else {
        status = structure_from_options(verb, options, NULL, &structure);
        if (status)
            return status;
        result = plan_solve(&structure, DENSITY_UNIFORM, 1, &subject->plan, &why);
        if (result) {
            structure_deinit(&structure);
            return fail(verb, result < 0 ? EXIT_FAILED : EXIT_DATA, "%s", why.text);
        }
    }
    subject->layers = memory_zalloc(subject->plan.layer_count, sizeof *subject->layers);
    subject->title =
        subject->plan.structure.name[0] ? strdup(subject->plan.structure.name) : plan_structure_text(&subject->plan);
    if (!subject->layers || !subject->title)
        return fail(verb, EXIT_FAILED, "out of memory");
    for (uint32_t i = 0; i < subject->plan.layer_count; i++)
        subject->layers[i] = subject->plan.layers[i].density;
    return EXIT_DONE;
}

static bool names_a_model(const char *name)
{
    static const char suffix[] = ".safetensors";
    size_t length = name ? strlen(name) : 0;

    return length >= sizeof suffix && !strcmp(name + length - (sizeof suffix - 1), suffix);
}

static int draw(const char *verb, const struct network_view *view, const struct picture_options *options)
{
    struct reason why;
    struct scene scene;
    int result = (options->matrix ? draw_matrices : draw_network)(view, &scene, &why);

    if (!result) {
        result = pictures_write(&scene, options, &why);
        scene_deinit(&scene);
    }
    return result ? fail(verb, exit_for_output(result), "%s", why.text) : EXIT_DONE;
}

/* 0, or the exit status after saying what does not go. */
static int check_files(const char *verb, const struct picture_options *options)
{
    struct reason why;
    int result;

    if (options->matrix && options->curves)
        return fail(verb, EXIT_USAGE, "--matrix and --curves are two pictures; ask for one of them");
    if (!options->files[PICTURE_SVG] && !options->files[PICTURE_PNG] && !options->files[PICTURE_PDF])
        return fail(verb, EXIT_USAGE, "--%s needs a file: --svg FILE, --png FILE or --pdf FILE",
                    options->matrix ? "matrix" : "curves");
    for (size_t i = 0; i < ARRAY_SIZE(options->files); i++) {
        if (options->files[i] && (result = save_check(options->files[i], &why)))
            return fail(verb, exit_for_output(result), "%s", why.text);
    }
    return 0;
}

int pictures_make(const char *verb, const struct plan_options *plan, const struct picture_options *options)
{
    bool sparse = plan->sparsity_given || plan->density_given || plan->max_bytes || plan->max_flops || plan->fixed;
    struct subject subject = { .model = NULL };
    struct network_view view = { .seed = options->seed, .sparse = sparse };
    struct reason why;
    int status = check_files(verb, options), result;

    if (status)
        return status;
    if (options->curves)
        return curves_make(verb, plan, options);
    if (names_a_model(plan->structure)) {
        result = read_model(plan->structure, &subject, &why);
        if (result)
            status = fail(verb, exit_for_input(result), "%s", why.text);
        view.sparse = true;
        view.structure = &subject.structure;
        view.model = subject.model;
    } else {
        status = make_plan(verb, plan, sparse, &subject);
        view.structure = &subject.plan.structure;
        view.method = density_method_name(subject.plan.method);
        view.kernels = subject.plan.sampling.kernels;
    }
    view.title = subject.title;
    view.layers = subject.layers;
    if (!status)
        status = draw(verb, &view, options);
    subject_deinit(&subject);
    return status;
}

static void print_drawing(const struct network_view *view, FILE *to)
{
    struct terminal terminal = terminal_of(to);
    struct reason why;

    fputc('\n', to);
    if (draw_terminal(view, &terminal, to, &why))
        fprintf(to, "%s\n", why.text);
}

void drawing_of_plan(const struct plan *plan, FILE *to)
{
    struct density_layer *layers = memory_zalloc(plan->layer_count, sizeof *layers);
    struct network_view view = {
        .structure = &plan->structure, .layers = layers, .sparse = true, .seed = 1, .kernels = plan->sampling.kernels
    };

    for (uint32_t i = 0; layers && i < plan->layer_count; i++)
        layers[i] = plan->layers[i].density;
    if (layers)
        print_drawing(&view, to);
    free(layers);
}

void drawing_of_structure(const struct structure *structure, FILE *to)
{
    uint32_t count = structure_weighted(structure);
    struct density_layer *layers = memory_zalloc(count, sizeof *layers);
    struct network_view view = { .structure = structure, .layers = layers };
    double sigma;

    if (layers && count) {
        structure_density_layers(structure, layers);
        if (!density_solve(DENSITY_UNIFORM, layers, count, 1, &sigma, NULL))
            print_drawing(&view, to);
    }
    free(layers);
}
