/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/size.h"
#include "base/suggest.h"
#include "forge/experiment/tasks.h"

static const struct task {
    const char *type;
    bool classifies;
} tasks[] = {
    { "image.classification", true }, { "image.segmentation", false },
    { "image.denoising", false },     { "image.super-resolution", false },
    { "image.compression", false },   { "image.enhancement", false },
    { "image.style", false },         { "image.generation", false },
    { "text.classification", true },  { "text.semantics", true },
    { "text.keywords", true },        { "text.summarisation", true },
    { "text.translation", false },    { "text.generation", false },
    { "audio.classification", true }, { "audio.recognition", true },
    { "audio.transcription", false }, { "audio.denoising", false },
    { "audio.synthesis", false },
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
