/* SPDX-License-Identifier: Apache-2.0
 *
 * wisp train: from a built (or trained) model and a data set to a trained model.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/outcome.h"
#include "base/size.h"
#include "forge/cost/history.h"
#include "forge/experiment/candidates.h"
#include "forge/experiment/guessing.h"
#include "forge/experiment/halving.h"
#include "forge/experiment/media_default.h"
#include "forge/experiment/opposing.h"
#include "forge/experiment/picturing.h"
#include "forge/experiment/reading.h"
#include "forge/experiment/teaching.h"
#include "forge/plan/assemble.h"
#include "forge/plan/lineage.h"
#include "forge/plan/save.h"
#include "forge/train/interrupt.h"
#include "forge/train/runs/run_plot.h"
#include "forge/verbs/training/train.h"
#include "forge/verbs/verb.h"
#include "media/spec/media.h"
#include "sparse/passes/fold.h"

#define VERB              "train"
#define USUAL_TEMPERATURE 2

static int read_every(struct train *train, struct reason *why)
{
    const char *every = train->checkpoint_every;
    double amount;

    if (!every)
        return 0;
    if (!train->checkpoint)
        return refuse(why, WISP_E_INVALID, "--checkpoint-every needs --checkpoint, the file to write");
    if (parse_amount(every, "steps", &amount) && amount >= 1 && amount <= 1e12 && amount == floor(amount))
        train->checkpoint_steps = (uint64_t)amount;
    else if (parse_amount(every, "minutes", &amount) && amount > 0 && amount <= 1e6)
        train->checkpoint_minutes = amount;
    else
        return refuse(why, WISP_E_INVALID, "--checkpoint-every '%s': give steps=N, from 1, or minutes=M, above 0",
                      every);
    return 0;
}

/* What is written and told besides the model, and what is gone on from. */
static void file_option_rows(struct option_table *table, struct train *train)
{
    option_flag(table, "no-fold", 0, &train->no_fold, "leave normalisations as they are, to train on");
    option_text(table, "checkpoint", 0, &train->checkpoint, "FILE", "keep the run in it after each epoch");
    option_text(table, "checkpoint-every", 0, &train->checkpoint_every, "AMOUNT",
                "within epochs too: steps=N, or minutes=M");
    option_text(table, "resume", 0, &train->resume, "FILE", "go on from such a file, to the same bits");
    option_text(table, "plot", 0, &train->plot, "FILE", "draw loss, accuracy and rate at the end, as .svg, .png, .pdf");
    option_flag(table, "no-history", 0, &train->no_history, "do not record it in the structure database");
    option_flag(table, "json", 0, &train->json, "JSON lines on stdout, also on a terminal");
    option_flag(table, "quiet", 'q', &train->quiet, "print nothing but errors");
}

/* Apart, so that its table does not stay on the stack while a network is trained. */
__attribute__((noinline)) static bool read_options(int argc, char **argv, struct train *train, int *status)
{
    static const struct usage usage = {
        .verb = VERB,
        .arguments = "[MODEL] --data PATH -o FILE [options]",
        .summary = "Trains a model's connections, and only those, by gradient descent or AdamW; without MODEL those\n"
                   "of its type's structure, built first. Same model, data and options, same file, for any number\n"
                   "of threads. Ctrl-C saves what there is.",
        .examples = "  wisp train m.safetensors --data /usr/share/datasets/fashion-mnist \\\n"
                    "      --processing image.classification --epochs 20 -o fashion.safetensors\n"
                    "  wisp train m.safetensors --data fsdd.tar.xz --processing audio.recognition \\\n"
                    "      --augment speed=0.15,noise=5,mask=0.2 --epochs 60 -o digits.safetensors\n"
                    "  wisp train --processing image.denoising --data photographs -o denoise.safetensors\n",
    };
    struct operands operands = { .max = 1 }; /* none is needed for help */
    static struct option_table table;        /* too large for a stack's frame beside the rest */
    struct reason why;

    experiment_option_rows(&table, &train->experiment);
    starting_option_rows(&table, &train->starting);
    option_text(&table, "output", 'o', &train->output, "FILE", "model file to write");
    option_text(&table, "name", 'n', &train->name, "NAME", "name of the model; that of the output file if absent");
    recipe_option_rows(&table, &train->recipe_options);
    semi_option_rows(&table, &train->semi);
    file_option_rows(&table, train);
    if (!options_read(&usage, &table, argc, argv, &operands, status))
        return false;
    train->experiment.model = operands.words[0];
    if (ranks_rank(train->ranks)) { /* the first speaks and draws */
        train->quiet = true;
        train->plot = NULL;
    }
    train->experiment.quiet = train->quiet;
    if (train->recipe_options.augment && !strcmp(train->recipe_options.augment, "help")) {
        augment_help(stdout);
        *status = EXIT_DONE;
        return false;
    }
    if (starting_check(&train->starting, &train->experiment, &why) || read_every(train, &why) ||
        (train->plot && run_plot_check(train->plot, 1, &why)) ||
        semi_check_options(&train->semi, &train->experiment, &train->recipe_options, &why) ||
        recipe_from_options(&train->recipe_options, &train->recipe, &why) ||
        experiment_spare(&train->experiment, train->output, train->checkpoint, train->plot, &why))
        *status = fail(VERB, EXIT_USAGE, "%s", why.text);
    else if (!train->output)
        *status = fail(VERB, EXIT_USAGE, "-o is missing; name the model file to write");
    else if (train->name && strlen(train->name) >= MODEL_NAME_MAX)
        *status = fail(VERB, EXIT_USAGE, "--name has more than %d bytes", MODEL_NAME_MAX - 1);
    else
        return true;
    return false;
}

/* A name that was given with `wisp build --name` stays; one that only followed the file follows it again. */
static void name_model(const struct train *train, struct model *model)
{
    char built[MODEL_NAME_MAX];

    save_name(train->starting.built[0] ? train->output : train->experiment.model, built);
    if (train->name)
        snprintf(model->name, sizeof model->name, "%s", train->name);
    else if (!strcmp(model->name, built))
        save_name(train->output, model->name);
}

static json_t *done_json(const struct train *train, const struct training_result *trained, long long bytes,
                         double seconds)
{
    const struct trainer_result *r = &trained->result;
    json_t *event = json_pack("{s:s s:s s:I s:I s:I s:I s:b s:s s:f}", "event", "done", "file", train->output, "bytes",
                              (json_int_t)bytes, "best_epoch", (json_int_t)r->best_epoch, "seed",
                              (json_int_t)trained->seed, "candidates", (json_int_t)trained->candidates, "interrupted",
                              r->ending == ENDING_INTERRUPTED, "ended", ending_name(r->ending), "seconds", seconds);

    if (event && loss_has_score(train->recipe.loss))
        json_object_set_new(event, "accuracy", json_real(r->accuracy));
    if (event && r->validated && loss_has_score(train->recipe.loss)) {
        json_object_set_new(event, "validation_accuracy", json_real(r->validation_accuracy));
        json_object_set_new(event, "validation_balanced_accuracy", json_real(r->validation_balance.balanced));
    }
    if (event && trained->candidates > 1) {
        json_object_set_new(event, "candidates_mean", json_real(trained->spread.mean));
        json_object_set_new(event, "candidates_deviation", json_real(trained->spread.deviation));
        json_object_set_new(event, "candidates_gained", json_real(trained->spread.gained));
        json_object_set_new(event, "candidates_epochs", json_integer((json_int_t)trained->spread.epochs));
    }
    return event;
}

/* What choosing has come to. */
static void describe_spread(const struct train *train, const struct training_result *trained, char *text, size_t size)
{
    const struct candidates_spread *s = &trained->spread;

    *text = 0;
    if (trained->candidates > 1 && loss_has_score(train->recipe.loss))
        snprintf(text, size, " (%s%.2f%% on average, deviation %.2f, %+.2f by the choice; %llu epochs in all)",
                 train->recipe.halving ? "after the first round " : "", 100 * s->mean, 100 * s->deviation,
                 100 * s->gained, (unsigned long long)s->epochs);
}

static void print_done(const struct train *train, struct progress *progress, const struct training_result *trained,
                       long long bytes)
{
    double seconds = (double)(clock_ns() - train->began_ns) / (double)NS_PER_S;
    const struct trainer_result *r = &trained->result;
    char text[640], validation[96], seed[64] = "", spread[160], ended[64] = "";
    const bool early = r->ending == ENDING_INTERRUPTED || r->ending == ENDING_DIVERGED;

    trainer_result_text(r, train->recipe.loss, train->experiment.teacher != NULL, validation, sizeof validation);
    describe_spread(train, trained, spread, sizeof spread);
    if (trained->candidates > 1)
        snprintf(seed, sizeof seed, ", seed %llu of %llu candidates", (unsigned long long)trained->seed,
                 (unsigned long long)trained->candidates);
    if (!early)
        snprintf(ended, sizeof ended, "; ended by --%s", ending_name(r->ending));
    snprintf(text, sizeof text, "%s%s%s: %lld bytes%s%s, epoch %llu%s, %.1f s%s", early ? ending_name(r->ending) : "",
             early ? "; saved " : "", train->output, bytes, seed, spread, (unsigned long long)r->best_epoch, validation,
             seconds, ended);
    progress_event(progress, done_json(train, trained, bytes, seconds), text);
}

/* What is served has no normalisation left that the layer before it can take. */
static int fold(const struct train *train, struct model *model, struct reason *why)
{
    uint32_t folded = 0;
    int result = train->no_fold ? 0 : model_fold(model, &folded);

    return result ? refuse_errno(why, result, "folding normalisations") : 0;
}

static int end(const struct train *train, const struct trainer_result *r)
{
    if (r->ending == ENDING_INTERRUPTED)
        return EXIT_INTERRUPTED;
    if (r->ending != ENDING_DIVERGED)
        return EXIT_DONE;
    return fail(
        VERB, EXIT_DIVERGED,
        "the training diverged in epoch %llu: the loss, or a weight, was no number any more; saved are the last "
        "good weights, those of %s; try a lower --rate (a third of %g), or a longer --warmup",
        (unsigned long long)MIN(r->epochs + 1, train->recipe.epochs),
        r->validated ? "the best epoch" : "the last checkpoint", train->recipe.rate);
}

static int save(const struct train *train, struct progress *progress, const struct training_result *trained)
{
    const struct trainer_result *r = &trained->result;
    struct stat file;
    struct reason why;
    int result;

    name_model(train, trained->model);
    result = fold(train, trained->model, &why);
    if (!result)
        result = save_model(trained->model, train->output, true, &why);
    if (!result && stat(train->output, &file) < 0)
        result = refuse_errno(&why, -errno, "%s", train->output);
    if (result)
        return fail(VERB, exit_for_output(result), "%s", why.text);
    if (train->experiment.save_adversary &&
        (result = save_model(trained->adversary, train->experiment.save_adversary, true, &why)))
        return fail(VERB, exit_for_output(result), "%s", why.text);
    guessing_warn(VERB, trained->model, &train->recipe, r);
    print_done(train, progress, trained, (long long)file.st_size);
    return end(train, r);
}

/* The description of the input, completed by the data, and all tensors that stay the same; and who answers for them. */
static int prepare(const struct train *train, struct experiment *s, const struct split *split, struct batches **out,
                   struct teacher **teacher)
{
    struct reading reading = reading_start("preparing", train->quiet);
    /* No label is needed for it. */
    const struct split seen = { .samples = split->samples,
                                .train_count = split->train_count + split->unlabelled_count };
    struct reason why;
    int result = experiment_complete(s, &seen, &why);

    if (!result)
        result = experiment_batches(s, !augment_is_on(&train->recipe.augment), out, &why);
    if (!result && s->teacher)
        result = teaching_begin(s, &train->recipe, teacher, &why);
    reading_end(&reading);
    return result ? fail(VERB, exit_for_input(result), "%s", why.text) : 0;
}

/* Its candidates have their checkpoints beside its own file. */
static int check_halving(const struct train *train)
{
    struct reason why;
    int result;

    if (ranks_count(train->ranks) > 1)
        return fail(VERB, EXIT_USAGE, "--halving is for one process, and %u were started", ranks_count(train->ranks));
    if (train->recipe.candidates < 2)
        return fail(VERB, EXIT_USAGE, "--halving needs --candidates, of which half stops; 2 or more");
    if (train->resume && train->checkpoint && strcmp(train->resume, train->checkpoint) != 0)
        return fail(VERB, EXIT_USAGE, "--halving goes on in its own files: leave --checkpoint out, or name %s twice",
                    train->resume);
    result = train->checkpoint ? save_check(train->checkpoint, &why) : 0;
    return result ? fail(VERB, exit_for_output(result), "--checkpoint: %s", why.text) : 0;
}

/* A checkpoint is of one training. */
static int open_checkpoint(const struct train *train, struct checkpoint *out)
{
    struct reason why;
    int result = 0;

    *out = CHECKPOINT_NULL;
    if (train->recipe.halving)
        return check_halving(train);
    if ((train->checkpoint || train->resume) && train->recipe.candidates > 1)
        return fail(
            VERB, EXIT_USAGE,
            "a checkpoint is of one candidate, here are %llu; --candidates 1 trains one, --halving keeps one of "
            "each",
            (unsigned long long)train->recipe.candidates);
    if (train->checkpoint && !ranks_rank(train->ranks) && (result = save_check(train->checkpoint, &why)))
        return fail(VERB, exit_for_output(result), "--checkpoint: %s", why.text);
    if (train->resume && (result = checkpoint_read(train->resume, out, &why)))
        return fail(VERB, exit_for_input(result), "--resume: %s", why.text);
    return 0;
}

static uint64_t samples_of_run(const struct train *train, const struct split *split)
{
    if (train->recipe.halving)
        return halving_epochs_all(train->recipe.candidates, train->recipe.epochs) * split->train_count;
    return candidates_turns(train->ranks, train->recipe.candidates) *
           MIN(train->recipe.epochs * split->train_count,
               recipe_steps(&train->recipe, split->train_count) * train->recipe.batch);
}

/* What training cannot do is no fault of the command line. */
static int run(const struct candidates *candidates, struct training_result *out)
{
    struct reason why;
    int result = candidates_run(candidates, out, &why);

    if (!result)
        return 0;
    return fail(VERB, result == WISP_E_INVALID ? EXIT_FAILED : exit_for_input(result), "%s", why.text);
}

static void take_event(void *log, const json_t *event)
{
    run_log_event(log, event, NULL);
}

static void watch(const struct train *train, struct progress *progress)
{
    char name[MODEL_NAME_MAX];

    save_name(train->output, name);
    run_log_begin(train->log, name);
    progress->tell = take_event;
    progress->told = train->log;
}

/* Of what there is: a training that was interrupted, or diverged, has its picture too. */
static void plot(const struct train *train)
{
    char name[MODEL_NAME_MAX];
    struct reason why;
    int result;

    if (!train->plot)
        return;
    save_name(train->output, name);
    result = train->log->count ? run_plot_write(train->log, name, train->plot, &why)
                               : refuse(&why, WISP_E_INVALID, "no epoch came to its end; there is nothing to draw");
    if (result)
        warn_user(VERB, "--plot: %s", why.text);
}

/* The file, and what the history is to know of it. */
static int keep(const struct train *train, const struct experiment *s, const struct split *split,
                struct progress *progress, const struct training_result *trained)
{
    struct store_record record;
    const bool described = train_describe(train, s, split, trained, &record);
    const int status = save(train, progress, trained);

    if (described && (status == EXIT_DONE || status == EXIT_INTERRUPTED))
        train_record(train, &record);
    return status;
}

/* How far white is from black in the numbers of pictures that the network gives; 0: it gives none. */
__attribute__((noinline)) static double peak_of(const struct experiment *s)
{
    struct media_levels levels;

    if (!s->pictures || media_answer(s->media) != MEDIA_ANSWER_PICTURE)
        return 0;
    media_answer_levels(s->media, 1, &levels);
    return (double)levels.values[0][255] - (double)levels.values[0][0];
}

static const char *path_of_model(const struct train *train)
{
    return train->starting.built[0] ? train->starting.path : train->experiment.model;
}

static int train_session(const struct train *train, struct experiment *s, const struct split *split)
{
    struct checkpoint resume;
    struct training_result trained;
    struct batches *batches = NULL;
    struct teacher *teacher = NULL;
    struct progress progress;
    int status = open_checkpoint(train, &resume);

    if (!status)
        status = prepare(train, s, split, &batches, &teacher);
    if (status) {
        checkpoint_deinit(&resume);
        batches_free(batches);
        return status;
    }
    progress_init(&progress, train->json, train->quiet, samples_of_run(train, split));
    progress.loss = train->recipe.loss;
    progress.peak = peak_of(s);
    if (train->plot)
        watch(train, &progress);
    starting_tell(&train->starting, s, &progress);
    status = run(&(struct candidates){ .experiment = s,
                                       .ranks = train->ranks,
                                       .path = path_of_model(train),
                                       .recipe = &train->recipe,
                                       .options = &train->recipe_options,
                                       .semi = train_is_semi(train) ? &train->semi : NULL,
                                       .split = split,
                                       .batches = batches,
                                       .answers = teacher ? &(struct answers){ teacher_answer, teacher } : NULL,
                                       .progress = &progress,
                                       .began_ns = clock_ns(),
                                       .checkpoint = train->checkpoint || !train->recipe.halving ? train->checkpoint
                                                                                                 : train->resume,
                                       .checkpoint_steps = train->checkpoint_steps,
                                       .checkpoint_minutes = train->checkpoint_minutes,
                                       .resume = resume.file ? &resume : NULL,
                                       .resumes = train->resume != NULL },
                 &trained);
    checkpoint_deinit(&resume);
    plot(train);
    if (!status) {
        if (!ranks_rank(train->ranks))
            status = keep(train, s, split, &progress, &trained);
        model_free(trained.model);
        model_free(trained.adversary);
    }
    teacher_free(teacher);
    batches_free(batches);
    return status;
}

/* The model may say how many samplings of it are wanted. */
static void take_candidates(struct train *train, const struct model *model)
{
    json_t *lineage = lineage_of_model(model);
    json_int_t wanted = json_integer_value(json_object_get(lineage, "candidates"));

    if (!train->recipe_options.candidates_given && wanted > 1 && wanted <= 1000 && train->recipe.validation > 0)
        train->recipe.candidates = (uint64_t)wanted;
    json_decref(lineage);
}

/* What follows from the data, and from who says what they are. */
static int settle_recipe(struct train *train, const struct experiment *s, struct reason *why)
{
    const struct loss *loss = s->teacher ? loss_taught(s->loss) : s->loss;
    const size_t known = s->data->rest ? s->data->own : s->data->count;
    int result;

    picturing_settle(s, &train->recipe_options);
    semi_settle(&train->semi, s, &train->recipe_options, &train->recipe);
    result = recipe_settle(&train->recipe_options, s->data->kind, train->semi.labelled ? train->semi.labelled : known,
                           &train->recipe, why);
    if (!result)
        result = semi_check(&train->semi, s, why);
    if (!result)
        result = opposing_settle(s, &train->recipe_options, &train->recipe, why);
    if (result)
        return result;
    train->recipe.loss = s->loss;
    if (loss->targets == TARGETS_TAUGHT && train->recipe.temperature == 0)
        train->recipe.temperature = USUAL_TEMPERATURE;
    return experiment_check_recipe(s, &train->recipe, loss, why);
}

/* With the model that was named, or one that is built for it. */
static int open_experiment(struct train *train, struct experiment *out)
{
    char name[MODEL_NAME_MAX];
    struct reason why;
    int result;

    *out = (struct experiment){ .verb = VERB };
    if (!train->experiment.model) {
        save_name(train->output, name);
        train->starting.name = train->name ? train->name : name;
        train->starting.seed = train->recipe.seed;
        return starting_open(&train->starting, VERB, &train->experiment, out);
    }
    result = experiment_open(out, VERB, &train->experiment, &why);
    return result ? fail(VERB, exit_for_input(result), "%s", why.text) : 0;
}

__attribute__((noinline)) static int train_model(struct train *train, int argc, char **argv)
{
    struct split split = SPLIT_NULL;
    struct experiment experiment;
    struct reason why;
    int status, result;

    if (!read_options(argc, argv, train, &status))
        return status;
    result = ranks_rank(train->ranks) ? 0 : save_check(train->output, &why);
    if (!result && train->plot)
        result = save_check(train->plot, &why);
    if (!result && train->experiment.save_adversary)
        result = save_check(train->experiment.save_adversary, &why);
    if (result)
        return fail(VERB, exit_for_output(result), "%s", why.text);
    interrupt_catch();
    status = open_experiment(train, &experiment);
    if (!status && settle_recipe(train, &experiment, &why))
        status = fail(VERB, EXIT_USAGE, "%s", why.text);
    if (!status)
        take_candidates(train, experiment.model);
    if (!status && split_make_labelled(experiment.data, train->semi.labelled, train->recipe.validation,
                                       train->recipe.seed, &split))
        status = fail(VERB, EXIT_FAILED, "out of memory");
    if (!status)
        recipe_fit(&train->recipe, split.train_count);
    if (!status && train->plot &&
        run_plot_check(train->plot, train->recipe.candidates * (train_is_semi(train) ? train->semi.rounds + 1 : 1),
                       &why))
        status = fail(VERB, EXIT_USAGE, "--plot: %s", why.text);
    if (!status)
        status = train_session(train, &experiment, &split);
    split_deinit(&split);
    experiment_close(&experiment);
    starting_close(&train->starting);
    return status;
}

int verb_train(int argc, char **argv)
{
    struct run_log log = RUN_LOG_NULL;
    struct train train = { .experiment = { .split = "train", .trains = true },
                           .starting = STARTING_NULL,
                           .began_ns = clock_ns(),
                           .log = &log };
    struct reason why;
    int status;

    if (ranks_begin(&train.ranks, &why))
        return fail(VERB, EXIT_FAILED, "%s", why.text);
    outcome_of_rank(ranks_rank(train.ranks));
    status = train_model(&train, argc, argv);
    run_log_deinit(&log);
    /* What is saved, all ranks have come to. */
    ranks_end(train.ranks, status == EXIT_INTERRUPTED || status == EXIT_DIVERGED ? 0 : status);
    return status;
}
