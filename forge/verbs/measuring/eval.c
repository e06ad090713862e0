/* SPDX-License-Identifier: Apache-2.0
 *
 * wisp eval: how good a model is on a split of a data set, by the same forward pass that the daemon runs.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/memory.h"
#include "base/outcome.h"
#include "base/size.h"
#include "forge/baselines/baselines.h"
#include "forge/compressing/compressing.h"
#include "forge/data/gists.h"
#include "forge/data/pairs/scores.h"
#include "forge/data/recordings/likeness.h"
#include "forge/decoding/scores.h"
#include "forge/decoding/transcripts.h"
#include "forge/decoding/translations.h"
#include "forge/experiment/experiment.h"
#include "forge/experiment/wording.h"
#include "forge/tensors/tensor_file.h"
#include "forge/train/evaluate.h"
#include "forge/train/interrupt.h"
#include "forge/verbs/measuring/eval.h"
#include "forge/verbs/print_json.h"
#include "forge/verbs/verb.h"

#define VERB "eval"

enum { EVAL_BATCH = 128 };
#define EVAL_THRESHOLD 0.5

struct eval {
    struct experiment_options experiment;
    uint64_t batch, beam;
    double threshold;
    bool json, threshold_given;
    const char *inputs, *answers; /* files for them, NULL: not wanted */
    enum value_type values;       /* that the model in memory has been rounded to, unlike that in the file */
    json_t **figures;             /* what would be printed as JSON goes there; NULL: it is printed */
};

static bool read_options(int argc, char **argv, struct eval *eval, int *status)
{
    static const struct usage usage = {
        .verb = VERB,
        .arguments = "MODEL --data PATH [options]",
        .summary = "Measures a model on a test set: accuracy, each class, and which class is taken for which.",
        .examples = "  wisp eval fashion.safetensors --data /usr/share/datasets/fashion-mnist\n"
                    "  wisp eval langid.safetensors --data test.tsv.xz --json\n",
    };
    struct operands operands = { .min = 1, .max = 1, .what = "the model file" };
    static struct option_table table; /* too large for a stack's frame beside the rest */

    experiment_option_rows(&table, &eval->experiment);
    option_text(&table, "split", 0, &eval->experiment.split, "NAME", "'test' if absent, or 'train'");
    option_count(&table, "batch", 'b', &eval->batch, "N", "samples at once; 128 if absent; changes no result", 1,
                 65536);
    option_real(&table, "threshold", 0, &eval->threshold, "P",
                "a label counts from above this probability; 0.5 if absent", 0, 1)
        ->given = &eval->threshold_given;
    option_count(&table, "beam", 0, &eval->beam, "W", "beginnings of what is said or translated that go on at once", 1,
                 DECODING_BEAM_MAX);
    option_text(&table, "inputs", 0, &eval->inputs, "FILE",
                "write what each sample is to the model, as wisp run --tensor takes it");
    option_text(&table, "answers", 0, &eval->answers, "FILE",
                "write what the model says of each, as wisp run --raw does");
    option_flag(&table, "json", 0, &eval->json, "print one JSON object");
    if (!options_read(&usage, &table, argc, argv, &operands, status))
        return false;
    eval->experiment.model = operands.words[0];
    return true;
}

static void print_pictures(const struct experiment *s, const struct evaluation *e, const struct pair_scores *scores)
{
    const struct pair_figures f = pair_scores_figures(scores);
    char worst[512], input[64] = "", ssim[32] = "";

    dataset_sample(s->data, f.worst_sample, worst, sizeof worst);
    if (f.has_ssim)
        snprintf(ssim, sizeof ssim, ", SSIM %.4f", f.ssim);
    if (scores->has_input && f.has_ssim)
        snprintf(input, sizeof input, " (the input as it is: %.2f dB, %.4f)", f.input_psnr, f.input_ssim);
    else if (scores->has_input)
        snprintf(input, sizeof input, " (the input as it is: %.2f dB)", f.input_psnr);
    if (scores->mask)
        printf("IoU %.4f, Dice %.4f, over all pixels of %zu masks; mean IoU %.4f, lowest %.4f, %s; loss %.6g\n", f.iou,
               f.dice, f.pictures, f.iou_mean, f.worst, worst, loss_mean(&e->tally));
    else
        printf("PSNR %.2f dB%s, mean over %zu pictures%s; lowest %.2f dB, %s; loss %.6g\n", f.psnr, ssim, f.pictures,
               input, f.worst, worst, loss_mean(&e->tally));
}

static json_t *pictures_json(const struct experiment *s, const struct evaluation *e, const struct pair_scores *scores)
{
    const struct pair_figures f = pair_scores_figures(scores);
    char worst[512];
    json_t *object = json_pack("{s:I s:I s:f}", "pictures", (json_int_t)f.pictures, "samples",
                               (json_int_t)e->tally.samples, "loss", loss_mean(&e->tally));

    if (scores->mask)
        json_object_update_new(object,
                               json_pack("{s:f s:f s:f}", "iou", f.iou, "dice", f.dice, "iou_mean", f.iou_mean));
    else
        json_object_set_new(object, "psnr", json_real(f.psnr));
    if (!scores->mask && scores->has_input)
        json_object_set_new(object, "input_psnr", json_real(f.input_psnr));
    if (f.has_ssim)
        json_object_set_new(object, "ssim", json_real(f.ssim));
    if (f.has_ssim && scores->has_input)
        json_object_set_new(object, "input_ssim", json_real(f.input_ssim));
    json_object_set_new(object, "lowest", json_real(f.worst));
    json_object_set_new(object, "lowest_sample",
                        json_string(dataset_sample(s->data, f.worst_sample, worst, sizeof worst)));
    return object;
}

static void print_sounds(const struct experiment *s, const struct evaluation *e, const struct likeness *likeness)
{
    const struct likeness_figures f = likeness_figures(likeness);
    char lowest[512];

    printf("SI-SDR %.2f dB, mean over %zu recordings (the input as it is: %.2f dB, a gain of %.2f); lowest %.2f dB, "
           "%s; loss %.6g\n",
           f.si_sdr, f.recordings, f.input, f.si_sdr - f.input, f.lowest,
           dataset_sample(s->data, f.lowest_sample, lowest, sizeof lowest), loss_mean(&e->tally));
}

static json_t *sounds_json(const struct experiment *s, const struct evaluation *e, const struct likeness *likeness)
{
    const struct likeness_figures f = likeness_figures(likeness);
    char lowest[512];

    return json_pack("{s:I s:I s:f s:f s:f s:f s:s}", "recordings", (json_int_t)f.recordings, "samples",
                     (json_int_t)e->tally.samples, "loss", loss_mean(&e->tally), "si_sdr", f.si_sdr, "input_si_sdr",
                     f.input, "lowest", f.lowest, "lowest_sample",
                     dataset_sample(s->data, f.lowest_sample, lowest, sizeof lowest));
}

/* Whether words are kept, for a gist; then who is to be told of what the model gives. */
static bool makes_gists(const struct experiment *s, struct gist_scores *out)
{
    const struct shape *output = model_output(s->model);

    *out = (struct gist_scores){ .data = s->data, .positions = shape_elements(output) / output->dimension[0] };
    while (out->kept < s->model->label_count && strcmp(s->model->labels[out->kept], DATASET_KEPT) != 0)
        out->kept++;
    return s->data->targets && s->data->set_starts && out->kept < s->model->label_count;
}

static void print_rouge(const char *of, const struct rouge *rouge)
{
    const double texts = (double)rouge->texts;

    printf("%s %d words: ROUGE-1 %.2f, ROUGE-2 %.2f, ROUGE-L %.2f\n", of, GIST_WORDS, 100 * rouge->one / texts,
           100 * rouge->two / texts, 100 * rouge->longest / texts);
}

static json_t *rouge_json(const struct rouge *rouge)
{
    const double texts = (double)rouge->texts;

    return json_pack("{s:f s:f s:f}", "rouge1", rouge->one / texts, "rouge2", rouge->two / texts, "rougeL",
                     rouge->longest / texts);
}

/* What came of a model's sequences: of all their words, and, where those are a text, of that. */
struct decodings {
    struct decoding_scores scores;
    struct translations texts;   /* of no media: none */
    struct tensor_file *answers; /* that they are written to besides; NULL: none */
};

static void see_decoded(void *argument, const struct decoded *decoded)
{
    struct decodings *d = argument;

    decoding_scores_see(&d->scores, decoded);
    if (d->texts.media)
        translations_see(&d->texts, decoded);
    if (d->answers)
        tensor_file_add_words(d->answers, decoded->words, decoded->count);
}

static void print_decodings(const struct decodings *d)
{
    decoding_scores_print(&d->scores, stdout);
    if (d->texts.media)
        translations_print(&d->texts, stdout);
}

static json_t *decodings_json(const struct decodings *d)
{
    json_t *object = decoding_scores_json(&d->scores);

    if (d->texts.media)
        json_object_set_new(object, "texts", translations_json(&d->texts));
    return object;
}

/* NULL: what is watched is none. */
static const struct gist_scores *gists_of(const struct evaluator *r)
{
    return r->watch == gists_add ? r->watcher : NULL;
}

static int find_baseline_of_tags(const struct eval *eval, const struct experiment *s, struct baseline *out)
{
    struct dataset *training = experiment_training(s, &eval->experiment);
    const int result = training ? baseline_of_tags(training, s->data, out) : 0;

    dataset_free(training);
    return result;
}

/* What the same data give by the plainest means. */
static int find_baseline(const struct eval *eval, const struct experiment *s, const struct evaluator *r,
                         struct baseline *out)
{
    const struct gist_scores *gists = gists_of(r);
    const double texts = gists ? (double)gists->first.texts : 1;

    *out = (struct baseline){ .name = NULL };
    if (r->scores)
        return baseline_of_pictures(s->data, s->media, out);
    if (r->likeness)
        return baseline_of_sounds(s->data, s->media, out);
    if (gists)
        *out = (struct baseline){ "the first 8 words",
                                  { { "ROUGE-1", "rouge1", gists->first.one / texts, 100 },
                                    { "ROUGE-2", "rouge2", gists->first.two / texts, 100 },
                                    { "ROUGE-L", "rougeL", gists->first.longest / texts, 100 } } };
    else if (wording_is_tagged(s))
        return find_baseline_of_tags(eval, s, out);
    return 0;
}

/* What some models are measured by besides; NULL where they are not. */
struct besides {
    const struct decodings *decoded;
    const struct compression_figures *compressed;
};

static void print_besides(const struct besides *besides)
{
    if (besides->decoded)
        print_decodings(besides->decoded);
    if (besides->compressed)
        compression_print(besides->compressed, stdout);
}

static void besides_json(json_t *object, const struct besides *besides)
{
    if (besides->decoded)
        json_object_set_new(object, "decoded", decodings_json(besides->decoded));
    if (besides->compressed)
        json_object_set_new(object, "compressed", compression_json(besides->compressed));
}

/* Of labels in their order, NULL where there are none: what a beam finds, where one was asked for, and its texts. */
static void print_said(const struct eval *eval, const struct transcripts *said)
{
    if (said && eval->beam)
        transcripts_print(said, stdout);
    if (said)
        transcripts_print_texts(said, stdout);
}

static void said_json(json_t *object, const struct eval *eval, const struct transcripts *said)
{
    if (said && eval->beam)
        json_object_set_new(object, "searched", transcripts_json(said));
    if (said && said->labels)
        json_object_set_new(object, "texts", transcripts_texts_json(said));
}

static int print_result(const struct eval *eval, const struct experiment *s, const struct evaluation *e,
                        const struct evaluator *r, const struct besides *besides, double seconds)
{
    const struct gist_scores *gists = gists_of(r);
    const struct transcripts *said = r->watch == transcripts_see ? r->watcher : NULL;
    struct baseline baseline;
    json_t *object;

    if (find_baseline(eval, s, r, &baseline))
        return fail(s->verb, EXIT_FAILED, "out of memory");
    if (!eval->json) {
        if (r->scores)
            print_pictures(s, e, r->scores);
        else if (r->likeness)
            print_sounds(s, e, r->likeness);
        else
            evaluation_print(e, s->model->labels, stdout);
        print_said(eval, said);
        if (gists)
            print_rouge("the most probable", &gists->chosen);
        baseline_print(&baseline, stdout);
        print_besides(besides);
        printf("%llu samples in %.2f s, %.0f samples/s, kernels %s\n", (unsigned long long)e->tally.samples, seconds,
               (double)e->tally.samples / seconds, s->kernels->name);
        return EXIT_DONE;
    }
    object = r->scores     ? pictures_json(s, e, r->scores)
             : r->likeness ? sounds_json(s, e, r->likeness)
                           : evaluation_json(e, s->model->labels);
    said_json(object, eval, said);
    if (gists)
        json_object_set_new(object, "chosen", rouge_json(&gists->chosen));
    if (baseline.name)
        json_object_set_new(object, "baseline", baseline_json(&baseline));
    besides_json(object, besides);
    json_object_set_new(object, "model", json_string(s->model->name));
    json_object_set_new(object, "data", json_string(s->data->name));
    json_object_set_new(object, "data_hash", json_string(s->data->hash));
    if (s->loss->targets == TARGETS_SET && (eval->threshold_given || !s->model->thresholds))
        json_object_set_new(object, "threshold", json_real(eval->threshold));
    json_object_set_new(object, "split", json_string(eval->experiment.split));
    if (eval->figures) {
        *eval->figures = object;
        return object ? EXIT_DONE : fail(s->verb, EXIT_FAILED, "out of memory");
    }
    json_object_set_new(object, "seconds", json_real(seconds));
    return print_json(VERB, object);
}

/* Whether the samples are what the model decodes. */
static bool decodes(const struct experiment *s)
{
    return s->model->decoding.length && s->words.media && !s->words.apart;
}

static int decode_all(const struct eval *eval, const struct experiment *s, struct batches *batches,
                      const uint32_t *which, struct decodings *out, struct reason *why)
{
    const uint32_t beam = decoding_beam(&s->model->decoding, (uint32_t)eval->beam);
    const struct decode decode = { .model = s->model,
                                   .kernels = s->kernels,
                                   .pool = s->pool,
                                   .batches = batches,
                                   .batch = MAX(eval->batch / beam, 1),
                                   .beam = beam };
    int result;

    if (media_reads_back(s->words.media))
        out->texts =
            (struct translations){ .media = s->words.media, .data = s->data, .tokens = translations_tokens(s->data) };
    result = decode_samples(&decode, which, s->data->count, see_decoded, out, why);
    return !result && out->texts.result ? refuse_errno(why, out->texts.result, "BLEU") : result;
}

static int write_inputs(const struct eval *eval, const struct experiment *s, const struct tensor_samples *samples,
                        struct reason *why)
{
    struct tensor_file *file;
    int result =
        tensor_file_begin(eval->inputs, &s->model->signature.inputs[batches_input(samples->batches)], &file, why);

    return result ? result : tensor_file_end(file, tensor_file_add_inputs(file, samples, why), why);
}

/* Of one that decodes: what it says when it reads its own words, and not what follows those of the data. */
static int write_decoded(const struct eval *eval, const struct experiment *s, struct evaluator *r,
                         const uint32_t *which, struct reason *why)
{
    const struct signature signature = decoding_signature(s->model);
    struct decodings decoded = { .answers = NULL };
    struct tensor_file *file;
    int result = tensor_file_begin(eval->answers, &signature.outputs[DECODING_WORDS], &file, why);

    if (result)
        return result;
    decoded.answers = file;
    return tensor_file_end(file, decode_all(eval, s, r->batches, which, &decoded, why), why);
}

static int write_answers(const struct eval *eval, const struct experiment *s, struct forward *forward,
                         const struct tensor_samples *samples, struct reason *why)
{
    struct tensor_file *file;
    int result = tensor_file_begin(eval->answers, &s->model->signature.outputs[0], &file, why);

    if (result)
        return result;
    return tensor_file_end(file, tensor_file_add_answers(file, samples, s->model, forward, why), why);
}

/* What is wanted of the samples as tensors. First, so that a file that cannot be written is said before the work. */
static int write_tensors(const struct eval *eval, const struct experiment *s, struct evaluator *r,
                         const uint32_t *which, struct reason *why)
{
    const struct tensor_samples samples = {
        .batches = r->batches, .which = which, .count = s->data->count, .batch = eval->batch
    };
    int result = 0;

    if (eval->inputs && !batches_have_input(r->batches))
        return refuse(why, WISP_E_INVALID, "--inputs: %s is given noise, and no samples", s->model->name);
    if (eval->answers && loss_is_of_words(s->loss) && !decodes(s))
        return refuse(why, WISP_E_INVALID, "--answers: %s learns words, and does not decode", s->model->name);
    if (eval->inputs)
        result = write_inputs(eval, s, &samples, why);
    if (!result && eval->answers)
        result = decodes(s) ? write_decoded(eval, s, r, which, why) : write_answers(eval, s, r->forward, &samples, why);
    return result;
}

static int compress_all(const struct eval *eval, const struct experiment *s, struct compression_figures *out,
                        struct reason *why)
{
    const struct compressing compressing = { .path = eval->experiment.model,
                                             .values = eval->values,
                                             .kernels = s->kernels,
                                             .media = s->media,
                                             .set = s->data,
                                             .batch = MIN(eval->batch, 32u) };

    return compressing_measure(&compressing, out, why);
}

static int run(const struct eval *eval, const struct experiment *s, struct evaluator *evaluator)
{
    cleanup_free uint32_t *which = memory_alloc(s->data->count, sizeof *which);
    struct decodings decoded = { .scores = { .sequences = 0 } };
    struct compression_figures compressed;
    struct besides besides = { .decoded = NULL };
    struct evaluation e;
    struct reason why;
    uint64_t began_ns = clock_ns();
    int result;

    if (!which)
        return fail(s->verb, EXIT_FAILED, "out of memory");
    for (size_t i = 0; i < s->data->count; i++)
        which[i] = (uint32_t)i;
    result = write_tensors(eval, s, evaluator, which, &why);
    if (!result)
        result = evaluate(evaluator, which, s->data->count, &e, &why);
    if (result)
        return fail(s->verb, exit_for_input(result), "%s", why.text);
    if (decodes(s)) {
        besides.decoded = &decoded;
        result = decode_all(eval, s, evaluator->batches, which, &decoded, &why);
    }
    if (s->pictures && compressing_is(s->model, s->media)) {
        besides.compressed = &compressed;
        result = compress_all(eval, s, &compressed, &why);
    }
    result = result
                 ? fail(s->verb, exit_for_input(result), "%s", why.text)
                 : print_result(eval, s, &e, evaluator, &besides, (double)(clock_ns() - began_ns) / (double)NS_PER_S);
    evaluation_deinit(&e);
    return result;
}

/* What looks at the answers as they come: of a model that has it, one of them. */
struct watched {
    struct transcripts said;
    struct gist_scores gists;
};

static int watch(const struct eval *eval, const struct experiment *s, struct watched *watched, struct evaluator *r)
{
    if (s->loss->targets == TARGETS_LABELS) {
        char *const *labels = s->model->label_count == r->loss->features ? s->model->labels : NULL;

        if (transcripts_init(&watched->said, r->loss, labels, (uint32_t)MAX(eval->beam, 1)))
            return -ENOMEM;
        r->watch = transcripts_see;
        r->watcher = &watched->said;
    }
    if (makes_gists(s, &watched->gists)) {
        r->watch = gists_add;
        r->watcher = &watched->gists;
    }
    return 0;
}

static int eval_session(const struct eval *eval, const struct experiment *s)
{
    struct evaluator r = { .model = s->model, .pool = s->pool };
    struct pair_scores scores = { .of = NULL };
    struct likeness likeness = { .set = NULL };
    struct watched watched = { .said = { .samples = 0 } };
    struct loss_batch batch = LOSS_BATCH_NULL;
    struct forward_setup setup = {
        .model = s->model, .kernels = s->kernels, .batch = eval->batch, .pool = s->pool, .lengths = true
    };
    struct reason why;
    int result = 0;

    if (loss_batch_init(&batch, s->loss, model_output(s->model), eval->batch))
        result = refuse_errno(&why, -ENOMEM, "evaluation");
    r.loss = &batch;
    batch.threshold = (float)eval->threshold;
    if (!eval->threshold_given)
        batch.thresholds = s->model->thresholds;
    if (!result && s->sounds && likeness_init(&likeness, s->data, s->media))
        result = refuse_errno(&why, -ENOMEM, "evaluation");
    r.likeness = s->sounds ? &likeness : NULL;
    if (!result && s->pictures && pair_scores_init(&scores, s->data, s->media))
        result = refuse_errno(&why, -ENOMEM, "evaluation");
    scores.threshold = (float)eval->threshold;
    scores.input = s->words.source;
    r.scores = s->pictures ? &scores : NULL;
    if (!result && watch(eval, s, &watched, &r))
        result = refuse_errno(&why, -ENOMEM, "evaluation");
    if (!result)
        result = experiment_batches(s, loss_is_of_words(s->loss), &r.batches, &why); /* whose lengths are known then */
    if (!result && batches_are_sparse(r.batches) && forward_takes_sparse(s->model)) {
        setup.mode = LAYER_EVALUATE;
        setup.sparse_input = true;
    }
    if (!result)
        result = forward_new(&setup, &r.forward, &why);
    result = result ? fail(s->verb, exit_for_input(result), "%s", why.text) : run(eval, s, &r);
    forward_free(r.forward);
    batches_free(r.batches);
    loss_batch_deinit(&batch);
    pair_scores_deinit(&scores);
    likeness_deinit(&likeness);
    transcripts_deinit(&watched.said);
    return result;
}

int eval_figures(const struct experiment *experiment, const struct experiment_options *options, enum value_type values,
                 json_t **out)
{
    const struct eval eval = { .experiment = *options,
                               .batch = EVAL_BATCH,
                               .threshold = EVAL_THRESHOLD,
                               .json = true,
                               .values = values,
                               .figures = out };

    return eval_session(&eval, experiment);
}

int verb_eval(int argc, char **argv)
{
    struct eval eval = { .experiment = { .split = "test" }, .batch = EVAL_BATCH, .threshold = EVAL_THRESHOLD };
    struct experiment experiment;
    struct reason why;
    int status, result;

    if (!read_options(argc, argv, &eval, &status))
        return status;
    interrupt_catch();
    result = experiment_open(&experiment, VERB, &eval.experiment, &why);
    status = result ? fail(VERB, exit_for_input(result), "%s", why.text) : 0;
    if (!status && eval.threshold_given && experiment.loss->targets != TARGETS_SET)
        status =
            fail(VERB, EXIT_USAGE, "--threshold is for labels of which a sample may have several; the loss %s has none",
                 experiment.loss->name);
    if (!status && eval.beam && !experiment.model->decoding.length && experiment.loss->targets != TARGETS_LABELS)
        status = fail(VERB, EXIT_USAGE, "--beam is for models that decode or write down what is said; %s does neither",
                      experiment.model->name);
    if (!status)
        status = eval_session(&eval, &experiment);
    experiment_close(&experiment);
    return status;
}
