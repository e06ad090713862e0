/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/outcome.h"
#include "base/size.h"
#include "forge/data/pairs/pairs.h"
#include "forge/experiment/experiment.h"
#include "forge/experiment/media_default.h"
#include "forge/experiment/media_option.h"
#include "forge/experiment/opposing.h"
#include "forge/experiment/picturing.h"
#include "forge/experiment/reading.h"
#include "forge/experiment/sounding.h"
#include "forge/experiment/tasks.h"
#include "forge/experiment/teaching.h"
#include "forge/experiment/wording.h"
#include "forge/plan/assemble.h"
#include "forge/plan/lineage.h"
#include "forge/plan/save.h"
#include "forge/train/blas/blas.h"
#include "sparse/file/model_file.h"
#include "sparse/graph/structure.h"

#define LOSSES "cross-entropy, sequence-cross-entropy, ctc, binary-cross-entropy, dice, mse, l1, masked-snr or none"

void experiment_option_rows(struct option_table *table, struct experiment_options *options)
{
    options->threads = 2;
    option_text(table, "data", 'D', &options->data, "PATH", "a folder or file with the data set");
    option_text(table, "label-column", 0, &options->label_column, "COLUMN", "of a table: its name, or number from 1");
    option_text(table, "text-column", 0, &options->text_column, "COLUMN", "the same for the text");
    option_text(table, "label-separator", 0, &options->label_separator, "C", "what joins several labels, as | in a|b");
    option_text(table, "target-columns", 0, &options->target_columns, "LIST",
                "of a table: numbers to learn, as x,y; of pairs, the target");
    option_text(table, "degrade", 0, &options->degrade, "HOW",
                "inputs made of clean pictures: none, noise=S, dark=F, small=N, drawing=T, oil=R; of recordings: "
                "mix=LOW:HIGH or damage=LOW:HIGH dB");
    option_text(table, "noise", 0, &options->noise, "PATH",
                "recordings of noise for --degrade mix or damage; white and pink if absent");
    option_text(table, "loss", 0, &options->loss, "LOSS", LOSSES "; what suits the last layer if absent");
    if (options->trains) {
        option_text(table, "unlabelled", 0, &options->unlabelled, "PATH", "more samples, whose labels are not read");
        option_text(table, "teacher", 0, &options->teacher, "MODEL",
                    "a trained model, whose answers are learned, without labels");
        option_count(table, "beam", 0, &options->beam, "W",
                     "of a network that translates: beginnings that go on at once where nobody says how many", 1,
                     DECODING_BEAM_MAX);
        opposing_option_rows(table, options);
    }
    option_flag(table, "skip-bad", 0, &options->skip_bad, "leave out what cannot be read, and count it");
    option_text(table, "processing", 'p', &options->processing, "TYPE", "processing type; the model's own if absent");
    option_text(table, "media", 'm', &options->media, "SPEC", "JSON, or a file with it: how inputs become tensors");
    option_text(table, "labels", 0, &options->labels, "FILE", "names of the outputs, one a line");
    option_count(table, "threads", 't', &options->threads, "N", "threads; 2 if absent; changes no result", 1, 256);
    option_flag(table, "blas", 0, &options->blas, "fully connected layers by OpenBLAS: faster, but other last bits");
}

/* "--media cannot open none.json" */
static int refuse_after(struct reason *why, int code, const char *what)
{
    const struct reason inner = *why;

    return refuse(why, code, "%s %s", what, inner.text);
}

/* Before anything else is found wrong with it: no other advice leads to what this version cannot do. */
static int check_support(const struct experiment *s, const struct experiment_options *o, struct reason *why)
{
    struct structure structure;
    struct structure_support support;
    char text[160];
    int result = structure_of_model(s->model, &structure, why);

    if (result)
        return refuse_in(why, result, "%s", o->model);
    support = structure_support(&structure);
    structure_support_text(&support, text, sizeof text);
    if (!support.serves || support.several || (o->trains && !support.trains))
        result = refuse(why, WISP_E_FORMAT, "%s: %s", o->model, text);
    structure_deinit(&structure);
    return result;
}

static bool gives_classes(const struct model *model)
{
    return model->layer_count && model->layers[model->layer_count - 1].kind->distribution == DISTRIBUTION_CATEGORICAL;
}

static int open_model(struct experiment *s, const struct experiment_options *o, struct reason *why)
{
    struct model *model;
    int result = model_read(o->model_path ? o->model_path : o->model, &s->model, why);

    if (result)
        return result;
    model = s->model;
    if ((result = opposing_open(s, o, why)) || (o->teacher && (result = teaching_open(s, o, why))))
        return result;
    if (o->processing) {
        if (strlen(o->processing) >= sizeof model->processing)
            return refuse(why, WISP_E_INVALID, "--processing: it is too long");
        if (processing_check(o->processing, why) || task_fits(o->processing, gives_classes(model), why))
            return refuse_in(why, WISP_E_INVALID, "--processing");
        snprintf(model->processing, sizeof model->processing, "%s", o->processing);
    } else if (task_fits(model->processing, gives_classes(model), why)) {
        return refuse_in(why, WISP_E_FORMAT, "%s (--processing gives it another type)", o->model);
    }
    return check_support(s, o, why);
}

/* What a model that is measured was trained by, as it says itself; NULL: it does not, or by an adversary alone. */
static const struct loss *learned_by(const struct model *model)
{
    json_t *lineage = lineage_of_model(model);
    const json_t *recipe = json_object_get(json_object_get(lineage, "training"), "recipe");
    const char *name = json_string_value(json_object_get(recipe, "loss"));
    const struct loss *loss = name && strcmp(name, "none") != 0 ? loss_find(name) : NULL;

    json_decref(lineage);
    return loss;
}

/* It follows from the last layer, or is wished for; and with it, which inputs there are to fill. */
static int open_loss(struct experiment *s, const struct experiment_options *o, struct reason *why)
{
    const struct loss *own = task_loss(s->model->processing);
    const struct loss *wish = o->loss ? loss_find(o->loss) : own ? own : picturing_loss(s->model->processing);
    const struct loss *learned = o->loss || o->trains ? NULL : learned_by(s->model);
    uint32_t value;

    if (o->loss && !wish)
        return refuse(why, WISP_E_INVALID, "--loss %s: give " LOSSES, o->loss);
    if (learned)
        wish = learned;
    if (opposing_loss(s, wish, &wish, why))
        return WISP_E_INVALID;
    if (loss_of_model(s->model, wish, &s->loss, &value, why) || wording_inputs(s->model, &s->noise, &s->words, why))
        return refuse_in(why, WISP_E_FORMAT, "%s", o->model);
    if (s->model->signature.input_count > 1 && !s->noise.drawn && s->loss->targets != TARGETS_WORDS)
        return refuse(why, WISP_E_FORMAT, "%s has %u inputs, but a sample fills one", o->model,
                      s->model->signature.input_count);
    return 0;
}

/* The model's description of its input: from --media, from the file, or guessed. */
static int open_media(struct experiment *s, const struct experiment_options *o, struct reason *why)
{
    uint32_t input;
    const struct model *described = opposing_described(s, &input);
    const struct media_input taken = media_input_of(described, input);
    const uint64_t inputs = taken.elements;
    enum media_kind kind;
    int result = media_kind_of(s->model->processing, &kind, why);

    if (result)
        return refuse_after(why, result, "processing type");
    if (o->media) {
        char *json;

        result = media_option_read(o->media, &taken, &json, why);
        if (result)
            return refuse_after(why, result, "--media");
        free(s->model->media);
        s->model->media = json;
        model_set_idf(s->model, NULL, 0);
    } else if (!s->model->media) {
        result = media_default(kind, described, input, &s->model->media, why);
        if (result)
            return result;
        s->media_guessed = true;
    }
    s->pictures = kind == MEDIA_IMAGE && picturing_is(s);
    if (s->pictures && (result = picturing_describe(s, o, why)))
        return result;
    result = wording_describe(s, why);
    if (result)
        return refuse_in(why, result, "%s, media", o->model);
    if (media_kind(s->media) != kind)
        return refuse(why, WISP_E_FORMAT,
                      "%s takes %s, but its media description is of another kind; say by --media how "
                      "inputs become tensors",
                      o->model, s->model->processing);
    if (media_elements(s->media) != inputs)
        return refuse(why, WISP_E_FORMAT, "%s: its media description gives %zu values, but its %s has %llu", o->model,
                      media_elements(s->media), s->noise.alone ? "output" : "input", (unsigned long long)inputs);
    if (media_check_words(s->media, &taken, why))
        return refuse_in(why, WISP_E_FORMAT, "%s, media", o->model);
    if (s->noise.alone && kind == MEDIA_TEXT)
        return refuse(why, WISP_E_FORMAT, "%s: of noise alone this version of wisp makes pictures and sounds, no texts",
                      o->model);
    if ((loss_is_of_words(s->loss) && wording_open(s, why)) || wording_check_tags(s, why))
        return refuse_in(why, WISP_E_FORMAT, "%s", o->model);
    if (o->beam && !s->model->decoding.length)
        return refuse(why, WISP_E_INVALID, "--beam: %s does not decode", o->model);
    s->model->decoding.beam = o->beam ? (uint32_t)o->beam : s->model->decoding.beam;
    return sounding_check(s, o, why);
}

/* Outputs that have a label each. */
static uint64_t labelled_outputs(const struct experiment *s)
{
    const struct shape *output = model_output(s->model);

    return wording_is_spoken(s) || wording_is_tagged(s) ? output->dimension[0] : shape_elements(output);
}

static int open_labels(struct experiment *s, const struct experiment_options *o, struct reason *why)
{
    uint64_t outputs = labelled_outputs(s);
    struct labels labels;
    int result;

    if (!o->labels)
        return 0;
    result = labels_read(o->labels, &labels, why);
    if (result)
        return refuse_after(why, result, "--labels");
    s->classes = labels.count != outputs ? labels.count : 0;
    if (labels.count != outputs)
        result = refuse(why, WISP_E_FORMAT, "%s has %zu labels, but the model has %llu outputs", o->labels,
                        labels.count, (unsigned long long)outputs);
    else if (model_set_labels(s->model, labels.entries, labels.count))
        result = refuse(why, -ENOMEM, "out of memory");
    labels_deinit(&labels);
    return result;
}

/* How many classes there are is told by the data; what may be wrong with that, by the data as well. */
static int refuse_classes(struct experiment *s, const struct experiment_options *o, struct reason *why)
{
    uint64_t outputs = labelled_outputs(s);
    size_t classes = s->data->label_count;

    if (*s->data->doubt)
        return refuse(why, WISP_E_FORMAT, "%s has %zu class%s, but the model has %llu outputs: %s", o->data, classes,
                      classes == 1 ? "" : "es", (unsigned long long)outputs, s->data->doubt);
    if (classes == 1)
        return refuse(why, WISP_E_FORMAT,
                      "%s: all %zu samples are of one class, \"%s\"; a classifier needs two or more", o->data,
                      s->data->count, s->data->labels[0]);
    s->classes = classes;
    return refuse(why, WISP_E_FORMAT,
                  "%s has %zu classes, but the model has %llu outputs; build it with --layers …-%zu, or "
                  "--outputs %zu",
                  o->data, classes, (unsigned long long)outputs, classes, classes);
}

static void tell_skipped(const char *verb, const struct dataset *data)
{
    const size_t skipped = data->skipped.count, kept = data->files ? data->files : data->count;

    warn_user(verb, "%zu of %zu %s cannot be read and are left out:", skipped, skipped + kept,
              data->files ? "files" : "samples");
    for (size_t i = 0; i < MIN(data->skipped.reasons, (size_t)DATASET_SKIPPED_NAMED) && data->skipped.first[i]; i++)
        warn_user(verb, "  %s", data->skipped.first[i]);
    if (data->skipped.reasons > DATASET_SKIPPED_NAMED)
        warn_user(verb, "  and %zu more", data->skipped.reasons - DATASET_SKIPPED_NAMED);
}

/* What cannot be read. Most of the data is no accident: then the wrong thing is being read. */
static int check_skipped(const char *verb, const char *path, const struct dataset *data, bool told, struct reason *why)
{
    const size_t skipped = data->skipped.count, kept = data->files ? data->files : data->count;

    if (skipped && !told)
        tell_skipped(verb, data);
    if (skipped <= kept)
        return 0;
    return refuse(why, WISP_E_FORMAT, "%s: more than half of the %s cannot be read", path,
                  data->files ? "files" : "samples");
}

static int check_numbers(const struct experiment *s, const struct experiment_options *o, struct reason *why)
{
    uint64_t outputs = shape_elements(model_output(s->model));

    if (s->data->number_count == outputs)
        return 0;
    return refuse(why, WISP_E_FORMAT, "%s: %zu target columns, but the model has %llu outputs", o->data,
                  s->data->number_count, (unsigned long long)outputs);
}

/* What the samples are to come out as has to be of the loss's kind. */
static int check_loss(struct experiment *s, const struct experiment_options *o, struct reason *why)
{
    bool numbers = s->data->numbers != NULL;

    /* Only to be evaluated: the largest output is the class, whatever the layer. */
    if (!o->trains && !o->loss && s->loss->targets == TARGETS_NUMBERS && !numbers && !s->pictures)
        s->loss = loss_at(0);
    if (s->data->unlabelled && s->loss->targets == TARGETS_NUMBERS && gives_classes(s->model))
        return refuse(why, WISP_E_INVALID,
                      "--loss %s is of numbers, and %s has classes to learn of its teacher; leave "
                      "--loss out",
                      s->loss->name, o->model);
    if (s->data->unlabelled)
        return 0;
    if (numbers != (s->loss->targets == TARGETS_NUMBERS))
        return refuse(why, WISP_E_FORMAT, "%s: the loss %s is of %s; %s", o->model, s->loss->name,
                      numbers ? "labels" : "numbers",
                      numbers ? "numbers want --loss mse or l1"
                              : "end the network in a softmax, or name columns of numbers by --target-columns");
    if (s->data->set_starts && s->loss->targets == TARGETS_CLASS && !wording_is_tagged(s))
        return refuse(why, WISP_E_FORMAT,
                      "%s: a softmax says one label; end the network in a sigmoid for several, as the ngram-labels-* "
                      "structures do",
                      o->model);
    return 0;
}

/* One of the data sets; what of it cannot be read is told. */
static int read_data(struct experiment *s, const struct experiment_options *o, const char *path, bool unlabelled,
                     struct dataset **out, struct reason *why)
{
    const struct shape *output = model_output(s->model);
    struct reading reading = reading_start("reading", o->quiet);
    const bool tagged = wording_is_tagged(s) && !unlabelled;
    const struct dataset_wish wish = { .path = path,
                                       .split = o->split,
                                       .kind = media_kind(s->media),
                                       .unlabelled = unlabelled,
                                       .pairs =
                                           s->words.media || (tagged && task_tags(s->model->processing) == TAGS_KEPT),
                                       .scores = wording_is_spoken(s) || tagged ? output->dimension[0] : 0,
                                       .tags = tagged ? task_tags(s->model->processing) : TAGS_NONE,
                                       .positions = shape_elements(output) / output->dimension[0],
                                       .labels = s->model->labels,
                                       .label_count = s->model->label_count,
                                       .label_column = o->label_column,
                                       .text_column = o->text_column,
                                       .label_separator = o->label_separator,
                                       .target_columns = o->target_columns,
                                       .skip_bad = o->skip_bad,
                                       .media = s->media,
                                       .step = reading_step,
                                       .argument = &reading };
    int result = dataset_read(&wish, out, why);

    if (!result && s->pictures)
        result = picturing_pair(s, o, *out, why);
    if (!result && s->sounds)
        result = sounding_pair(s, o, *out, why);
    reading_end(&reading);
    if (result)
        return result;
    return check_skipped(s->verb, path, *out, o->told && path == o->data, why);
}

static int check_columns(const struct experiment *s, const struct experiment_options *o, struct reason *why)
{
    const bool spoken = wording_is_spoken(s);

    if ((o->label_column || o->label_separator || (!spoken && (o->text_column || o->target_columns))) &&
        media_kind(s->media) != MEDIA_TEXT)
        return refuse(why, WISP_E_INVALID,
                      "--label-column, --text-column, --label-separator and --target-columns are "
                      "for tables of texts");
    if (s->pictures || s->sounds ? o->unlabelled != NULL : o->degrade != NULL)
        return refuse(why, WISP_E_INVALID,
                      "--degrade is for networks that give a picture for a picture, or a recording for a recording, "
                      "and --unlabelled for others");
    if (o->noise && !s->sounds)
        return refuse(why, WISP_E_INVALID, "--noise is what --degrade mix=LOW:HIGH mixes with recordings");
    if (o->label_separator && (strlen(o->label_separator) != 1 || o->target_columns))
        return refuse(why, WISP_E_INVALID, "--label-separator is one character, and not for numbers");
    if (loss_is_of_words(s->loss) &&
        (s->teacher || o->unlabelled || o->label_separator || (o->target_columns && !s->words.media && !spoken)))
        return refuse(why, WISP_E_INVALID,
                      "%s learns words: --teacher, --unlabelled and --label-separator are of labels, and "
                      "--target-columns of pairs or numbers",
                      o->model);
    if (s->teacher && (o->label_separator || o->target_columns))
        return refuse(why, WISP_E_INVALID,
                      "--label-separator and --target-columns say how labels are read, and with --teacher none are");
    return 0;
}

/* What was guessed of the input, now that there are data. */
static int follow_data(struct experiment *s, struct reason *why)
{
    int result = s->media_guessed && !s->sounds ? media_follow_rate(&s->model->media, s->data, why) : 0;

    return result || !s->media_guessed || s->sounds ? result : wording_describe(s, why);
}

/* Labels, or numbers, for each of the model's outputs. */
static int check_data(struct experiment *s, const struct experiment_options *o, struct reason *why)
{
    if (s->data->unlabelled)
        return 0;
    if (s->data->numbers)
        return check_numbers(s, o, why);
    if (s->data->label_count != labelled_outputs(s))
        return refuse_classes(s, o, why);
    if (*s->data->doubt && !s->model->label_count)
        warn_user(s->verb, "%s: %s", o->data, s->data->doubt);
    if (!s->model->label_count && model_set_labels(s->model, s->data->labels, s->data->label_count))
        return refuse(why, -ENOMEM, "out of memory");
    return 0;
}

static int open_data(struct experiment *s, const struct experiment_options *o, struct reason *why)
{
    struct dataset *rest = NULL;
    int result;

    if (!o->data)
        return refuse(why, WISP_E_INVALID, "--data is missing; give the folder or file with the data set");
    result = check_columns(s, o, why);
    if (!result)
        result = read_data(s, o, o->data,
                           s->teacher || s->noise.alone || s->pictures || s->sounds ||
                               (loss_is_of_words(s->loss) && !wording_is_spoken(s)),
                           &s->data, why);
    if (!result)
        result = follow_data(s, why);
    if (!result)
        result = check_data(s, o, why);
    if (result || !o->unlabelled)
        return result;
    result = read_data(s, o, o->unlabelled, true, &rest, why);
    if (!result)
        return dataset_join(s->data, rest, why);
    dataset_free(rest);
    return refuse_in(why, result, "--unlabelled");
}

static int open_machine(struct experiment *s, const struct experiment_options *o, struct reason *why)
{
    int result;

    s->kernels = kernels_find("auto");
    if (!s->kernels)
        return kernels_refuse("auto", WISP_E_INVALID, why);
    if (o->blas)
        s->kernels = blas_kernels(s->kernels);
    result = pool_new((unsigned)o->threads, &s->pool);
    return result ? refuse_errno(why, result, "cannot start %llu threads", (unsigned long long)o->threads) : 0;
}

int experiment_spare(const struct experiment_options *o, const char *output, const char *checkpoint, const char *plot,
                     struct reason *why)
{
    const struct save_file written[] = {
        { "-o", output }, { "--checkpoint", checkpoint }, { "--plot", plot }, { "--save-adversary", o->save_adversary }
    };
    const struct save_file read[] = { { "the data", o->data },
                                      { "--unlabelled", o->unlabelled },
                                      { "the teacher", o->teacher },
                                      { "--labels", o->labels },
                                      { "the adversary", o->adversary },
                                      { "--media", o->media },
                                      { "the model", o->model_path ? NULL : o->model } };
    int result = save_apart(written, ARRAY_SIZE(written), read, ARRAY_SIZE(read) - 1, why);

    return result ? result : save_apart(written + 1, ARRAY_SIZE(written) - 1, read, ARRAY_SIZE(read), why);
}

static bool is_needed(const void *argument, uint32_t layer)
{
    (void)argument, (void)layer;
    return false;
}

/* What is trained is read from the file for each candidate. */
static int drop_weights(struct experiment *s, struct reason *why)
{
    const int result = model_strip(s->model, is_needed, NULL);

    return result ? refuse_errno(why, result, "%s", s->model->name) : 0;
}

int experiment_open(struct experiment *s, const char *verb, const struct experiment_options *o, struct reason *why)
{
    int result;

    *s = (struct experiment){ .verb = verb };
    result = open_model(s, o, why);
    if (!result)
        result = open_loss(s, o, why);
    if (!result)
        result = open_media(s, o, why);
    if (!result)
        result = open_labels(s, o, why);
    if (!result)
        result = open_machine(s, o, why);
    if (!result && o->trains)
        result = drop_weights(s, why);
    if (!result)
        result = open_data(s, o, why);
    if (!result)
        result = check_loss(s, o, why);
    return result;
}

void experiment_close(struct experiment *s)
{
    pool_free(s->pool);
    dataset_free(s->data);
    media_free(s->teacher_media);
    model_free(s->teacher);
    model_free(s->adversary);
    media_free(s->target_media);
    media_free(s->media);
    model_free(s->model);
    *s = (struct experiment){ .verb = s->verb };
}

int experiment_complete(struct experiment *s, const struct split *split, struct reason *why)
{
    int result = media_complete(s->model, s->data, split, s->pool, why);

    return result ? result : wording_describe(s, why);
}

struct dataset *experiment_training(const struct experiment *s, const struct experiment_options *o)
{
    struct experiment_options training = *o;
    struct experiment reader = *s; /* what it reads is not this experiment's */
    struct dataset *set = NULL;
    struct reason why;

    training.split = "train";
    training.quiet = training.told = true;
    if (read_data(&reader, &training, o->data, false, &set, &why))
        return dataset_free(set);
    /* A file is all of its splits. */
    return strcmp(set->hash, s->data->hash) ? set : dataset_free(set);
}

int experiment_batches(const struct experiment *s, bool keep, struct batches **out, struct reason *why)
{
    int result = batches_new(s->data, s->media, s->pool, keep, out, why);

    if (!result && (loss_is_of_words(s->loss) || s->noise.drawn))
        result = batches_follow(*out, &s->words, keep, why);
    if (!result)
        batches_draw(*out, &s->noise);
    return result;
}

int experiment_check_recipe(const struct experiment *s, const struct recipe *recipe, const struct loss *loss,
                            struct reason *why)
{
    struct augment other = recipe->augment;

    other.amount[AUGMENT_FLIP] = other.amount[AUGMENT_TURN] = 0;
    if (s->pictures && augment_is_on(&other))
        return refuse(why, WISP_E_INVALID,
                      "--augment: pairs of pictures are varied by flip and turn, and by the place at "
                      "which they are cropped");
    if (s->sounds && augment_is_on(&recipe->augment))
        return refuse(why, WISP_E_INVALID,
                      "--augment: pairs of recordings are varied by the place at which they are cut, and by noise");
    if (s->pictures && recipe->augment.amount[AUGMENT_TURN] > 0 && s->data->pairs->width != s->data->pairs->height)
        return refuse(why, WISP_E_INVALID,
                      "--augment turn: the network takes %u x %u, which a quarter does not leave as it is",
                      s->data->pairs->width, s->data->pairs->height);
    return recipe_check(recipe, loss, why);
}

int experiment_dress(const struct experiment *s, struct model *model)
{
    memcpy(model->processing, s->model->processing, sizeof model->processing);
    model->decoding = s->model->decoding;
    if (model_set_text(&model->media, s->model->media) || model_set_idf(model, s->model->idf, s->model->idf_count))
        return -ENOMEM;
    return model_set_labels(model, s->model->labels, s->model->label_count);
}
