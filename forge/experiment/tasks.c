/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/size.h"
#include "base/suggest.h"
#include "forge/experiment/tasks.h"

static const struct task {
    const char *type;
    bool classifies;
    const char *structure; /* that is built when none is named: the one whose model ships, or its like */
} tasks[] = {
    { "image.classification", true, "cnn-28-w16" },
    { "image.segmentation", false, "unet-segment-128-w8" },
    { "image.denoising", false, "resnet-denoise-w32" },
    { "image.super-resolution", false, "resnet-upscale-x2-w32" },
    { "image.compression", false, "compress-8-w96-b1" },
    { "image.enhancement", false, "resnet-enhance-w32" },
    { "image.style", false, "resnet-style-w32" },
    { "image.generation", false, "unet-generate-28-w24" },
    { "text.classification", true, "ngram-8192-128-20" },
    { "text.semantics", true, "text-tagger-w128-17" },
    { "text.keywords", true, "text-keywords-w128-256" },
    { "text.summarisation", true, "text-gist-w128-2" },
    { "text.translation", false, "text-translator-2-w96-3k" },
    { "text.generation", false, "text-decoder-2-w128" },
    { "audio.classification", true, "sound-cnn-w16-10" },
    { "audio.recognition", true, "sound-cnn-w16-10" },
    { "audio.transcription", false, "sound-ctc-w64-11" },
    { "audio.denoising", false, "sound-denoise-w96" },
    { "audio.synthesis", false, "sound-merge-3-w96" },
};

/* "image.classification, .segmentation, text.classification", of those that classify, or of one modality. */
static const char *list_tasks(bool classifiers, const char *of, char *text, size_t size)
{
    size_t used = 0, last = 0;

    *text = 0;
    for (size_t i = 0; i < ARRAY_SIZE(tasks) && used + 32 < size; i++) {
        const size_t modality = strcspn(tasks[i].type, ".");
        const bool again = used && !strncmp(tasks[i].type, tasks[last].type, modality + 1);

        if (classifiers ? !tasks[i].classifies : strncmp(tasks[i].type, of, strcspn(of, ".") + 1) != 0)
            continue;
        used += (size_t)snprintf(text + used, size - used, "%s%s", used ? ", " : "",
                                 tasks[i].type + (again ? modality : 0));
        last = i;
    }
    return text;
}

/* NULL when there is none; a modality alone is its first task. */
static const struct task *find(const char *processing)
{
    size_t length = strlen(processing);

    for (size_t i = 0; i < ARRAY_SIZE(tasks); i++) {
        if (!strncmp(tasks[i].type, processing, length) && (!tasks[i].type[length] || tasks[i].type[length] == '.'))
            return &tasks[i];
    }
    return NULL;
}

static int refuse_unknown(const char *processing, struct reason *why)
{
    const char *names[ARRAY_SIZE(tasks)], *near;
    char list[320];

    for (size_t i = 0; i < ARRAY_SIZE(tasks); i++)
        names[i] = tasks[i].type;
    near = suggest(processing, names, ARRAY_SIZE(names));
    list_tasks(false, near ? near : processing, list, sizeof list);
    return refuse(why, WISP_E_INVALID, "there is no processing type %s%s%s%s; %s%s", processing,
                  near ? " (did you mean " : "", near ? near : "", near ? "?)" : "",
                  *list ? "there are raw, " : "it is raw, or begins with image, text or audio", list);
}

const struct loss *task_loss(const char *processing)
{
    if (!strcmp(processing, "audio.denoising") || !strcmp(processing, "audio.synthesis"))
        return loss_find("masked-snr");
    return !strcmp(processing, "audio.transcription") ? loss_find("ctc") : NULL;
}

enum dataset_tags task_tags(const char *processing)
{
    if (!strcmp(processing, "text.summarisation"))
        return TAGS_KEPT;
    return !strcmp(processing, "text.keywords") ? TAGS_KEYWORDS : TAGS_CATEGORY;
}

/* Of types whose data may be a table: of one label a text, where another structure is the usual one; of several. */
static const struct labelled {
    const char *type, *one, *several;
} labelled[] = {
    { "text.classification", NULL, "ngram-labels-8192-128-28" },
    { "text.semantics", "ngram-8192-128-3", "ngram-labels-8192-128-28" },
};

const char *task_structure_of_labels(const char *processing, bool several)
{
    const struct task *task = find(processing);

    for (size_t i = 0; task && i < ARRAY_SIZE(labelled); i++) {
        if (!strcmp(labelled[i].type, task->type))
            return several ? labelled[i].several : labelled[i].one;
    }
    return NULL;
}

const char *task_structure(const char *processing)
{
    const struct task *task = find(processing);

    return task ? task->structure : NULL;
}

int task_check(const char *processing, struct reason *why)
{
    return !strcmp(processing, "raw") || find(processing) ? 0 : refuse_unknown(processing, why);
}

int task_fits(const char *processing, bool softmax, struct reason *why)
{
    int result = task_check(processing, why);
    const struct task *task = find(processing);
    char list[320];

    if (result || !task || task->classifies || !softmax)
        return result;
    return refuse(why, WISP_E_INVALID, "a network that ends in a softmax classifies, which is not %s; it can be %s",
                  processing, list_tasks(true, "", list, sizeof list));
}
