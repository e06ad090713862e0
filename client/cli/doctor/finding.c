/* SPDX-License-Identifier: Apache-2.0 */
#include <stdarg.h>
#include <stdio.h>

#include "base/insist.h"
#include "client/cli/doctor/finding.h"

void find(struct finding *finding, enum verdict verdict, const char *format, ...)
{
    va_list arguments;

    insist(verdict >= VERDICT_GOOD && verdict <= VERDICT_BAD, "%d", verdict);
    finding->verdict = verdict;
    va_start(arguments, format);
    vsnprintf(finding->text, sizeof finding->text, format, arguments);
    va_end(arguments);
}

void advise(struct finding *finding, const char *format, ...)
{
    va_list arguments;

    insist(*finding->text && !*finding->advice, "%s", finding->advice); /* of what was found, and once */
    va_start(arguments, format);
    vsnprintf(finding->advice, sizeof finding->advice, format, arguments);
    va_end(arguments);
}
