/*
 * A session at its beginning: nothing has come, nothing is said, and all parts are in order.
 */
#ifndef SESSION_BEGIN_H
#define SESSION_BEGIN_H

#include "session/state.h"

/* Makes `session` new. Spans within `settings` are borrowed. */
/*@ requires \valid(session) && \valid_read(settings) && settings_ok(settings);
    requires \separated(session, settings);
    requires \separated(session, settings->hostname.octets + (0 .. settings->hostname.length - 1));
    assigns *session;
    ensures session_ok(session) && session->want == WANT_NOTHING;
    ensures session->phase == PHASE_GREETED && session->replies.end == 0; */
void begin_session(struct session *session, const struct session_settings *settings);

#endif
