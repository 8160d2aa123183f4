#include "helpers/lmtp-deliver/verdict.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

enum { CLASS_ACCEPTED = 2, CLASS_DEFERRED = 4, CLASS_REFUSED = 5 };

/*
 * Codes by which the server means our command, not the message: a mistake on our side, which must
 * not bounce it. But an address may be what it does not understand.
 */
static bool is_about_command(const struct reply *reply)
{
    static const int codes[] = {500, 501, 502, 503, 504, 530, 555};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (reply->code == codes[i])
            return strncmp(reply->enhanced, "5.1.", 4) != 0;
    return false;
}

static int status_of(const struct reply *reply, bool is_of_recipient)
{
    if (reply->code / 100 == CLASS_ACCEPTED)
        return EX_OK;
    if (reply->code / 100 != CLASS_REFUSED || is_about_command(reply))
        return EX_TEMPFAIL;
    return reply_refusal_status(reply, is_of_recipient);
}

/* The verdict of that reply alone. */
static void set(struct verdict *verdict, const struct reply *reply, int status)
{
    verdict->status = status;
    memcpy(verdict->text, reply->text, sizeof verdict->text);
    memcpy(verdict->enhanced, reply->enhanced, sizeof verdict->enhanced);
    if (status == EX_TEMPFAIL && reply->code / 100 != CLASS_DEFERRED)
        verdict->enhanced[0] = '\0';
}

/* The status of several replies that differ; the text says which is at fault. */
static void set_mixed(struct verdict *verdict, int status, const char *why, const char *refusal)
{
    char text[REPLY_TEXT_MAX + 1];
    (void)snprintf(text, sizeof text, "%s: %s", why, refusal); /* may be cut */
    verdict->status = status;
    verdict->enhanced[0] = '\0';
    memcpy(verdict->text, text, sizeof text);
}

void verdict_add(struct verdict *verdict, const struct reply *reply, bool is_of_recipient)
{
    int before = verdict->status;
    int status = status_of(reply, is_of_recipient);
    if (verdict->replies++ == 0 || (status == EX_TEMPFAIL && before != EX_TEMPFAIL))
        set(verdict, reply, status);
    else if (before == EX_TEMPFAIL || (before == EX_OK && status == EX_OK))
        return;
    else if (before == EX_OK || status == EX_OK)
        set_mixed(verdict, EX_TEMPFAIL, "Not all recipients accept it",
                  before == EX_OK ? reply->text : verdict->text);
    else if (before != status || strcmp(verdict->enhanced, reply->enhanced) != 0)
        set_mixed(verdict, REPLY_STATUS_REFUSED, "Refused for several reasons", reply->text);
}
