#include "handler/runner/identity.h"

#include <string.h>
#include <sysexits.h>

#include "handler/cidr.h"
#include "handler/clock.h"
#include "handler/log.h"
#include "handler/page.h"
#include "handler/relay.h"
#include "handler/runner/report.h"
#include "handler/runner/request.h"
#include "handler/runner/resolve.h"
#include "handler/verdict/password.h"
#include "handler/verdict/penalty.h"

const char *identity_serve_proxy(struct runner *runner, const struct request *request)
{
    struct span nobody;
    if (request->client.named != 0 &&
        !request_copy_client(runner->connection, &nobody, request, false))
        return "malformed address";
    runner->phase = RUNNER_PHASE_IDLE;
    return NULL;
}

const char *identity_serve_no_proxy(struct runner *runner, const struct request *request)
{
    char text[RECORD_TEXT_MAX + 1];
    struct span words;
    if (!request_copy_words(&words, &request->no_proxy.reason))
        return "malformed text";
    memcpy(text, words.octets, words.length);
    text[words.length] = '\0';
    report_proxy(runner->connection, request->no_proxy.silent != 0, text);
    runner->phase = RUNNER_PHASE_OVER;
    return NULL;
}

const char *identity_serve_resolve(struct runner *runner, const struct request *request)
{
    struct connection *connection = runner->connection;
    char name[DOMAIN_MAX + 1];
    (void)request; /* it holds nothing */
    if (!runner->options->resolve || !connection_lacks_hostname(connection) || runner->name_asked)
        return "resolving not allowed";
    runner->name_asked = true;
    resolve_client(&connection->client, name);
    connection_set_hostname(connection, span_of(name));
    runner->answer.text = record_text(span_of(name));
    return NULL;
}

const char *identity_serve_tls(struct runner *runner, const struct request *request)
{
    struct problem problem;
    (void)request; /* it holds nothing */
    if (runner->tls_asked)
        return "TLS requested twice";
    runner->tls_asked = true;
    runner->tls_available =
        tls_prepare(&runner->tls, runner->options, runner->connection, &problem);
    if (runner->tls_available)
        return NULL;
    log_trouble("%s; %s; see %s", problem.text,
                runner->options->tls == TLS_OPTION_IMPLICIT ? "the connection is closed"
                                                            : "STARTTLS is deferred",
                problem.page != NULL ? problem.page : PAGE_TLS);
    runner->answer.verdict = VERDICT_DEFERRED;
    if (runner->options->tls == TLS_OPTION_IMPLICIT) {
        runner->status = problem.status;
        runner->phase = RUNNER_PHASE_OVER; /* nothing may be said in plaintext */
    }
    return NULL;
}

bool identity_needs_tls(const struct runner *runner)
{
    bool required = relay_policy(runner->options) == TLS_POLICY_REQUIRED ||
                    runner->options->tls == TLS_OPTION_IMPLICIT;
    return required && !runner->transaction.secured;
}

static void pass_plaintext(struct runner *runner)
{
    runner->answer.are_sockets = runner->tls.are_sockets;
    runner->descriptors[0] = runner->tls.in;
    runner->descriptors[1] = runner->tls.out;
    runner->descriptor_count = 2;
    runner->close_after_answer = true;
}

const char *identity_serve_handshake(struct runner *runner, const struct request *request)
{
    struct transaction *transaction = &runner->transaction;
    struct problem problem;
    int64_t second = ledger_is_crowded(&runner->ledger) ? 100 : 1000; /* a tenth of the time */
    int64_t timeout = (int64_t)runner->options->command_timeout * second;
    (void)request; /* it holds nothing */
    if (!runner->tls_available || transaction->secured || runner->xclient_served)
        return "handshake not allowed";
    if (!runner_may_work(runner))
        return "handshake after the session timeout";
    transaction_forget_client(transaction);
    runner->phase = RUNNER_PHASE_IDLE;
    transaction->secured = tls_perform_handshake(&runner->tls, timeout, &problem);
    runner_allow_until(runner, clock_milliseconds());
    runner->tls_available = false; /* once */
    if (transaction->secured) {
        connection_acknowledge(runner->connection);
        transaction->tls = (struct span){runner->tls.parameters, runner->tls.length};
        report_certificate(transaction);
        pass_plaintext(runner);
        return NULL;
    }
    report_handshake(runner->connection, problem.text);
    runner->answer.verdict = VERDICT_DEFERRED;
    if (runner->options->tls == TLS_OPTION_IMPLICIT)
        runner->phase = RUNNER_PHASE_OVER;
    return NULL;
}

const char *identity_serve_xclient(struct runner *runner, const struct request *request)
{
    struct span user;
    if (runner->xclient_served ||
        !cidr_contains(&runner->options->xclient, runner->connection->client.text))
        return "XCLIENT not permitted";
    if (identity_needs_tls(runner))
        return "XCLIENT before TLS";
    if (!request_copy_client(runner->connection, &user, request, true))
        return "malformed client";
    runner->xclient_served = true;
    runner->phase = RUNNER_PHASE_IDLE;
    transaction_forget_client(&runner->transaction);
    transaction_set_user(&runner->transaction, user, "XCLIENT");
    return NULL;
}

/*
 * Waits for the failures before, and after a wrong try for that one; no program runs if the wait is
 * cut short.
 */
static enum verdict check_credentials(struct runner *runner, struct credentials credentials)
{
    const struct endpoint *client = &runner->connection->client;
    const struct penalty penalty = {
        .began = clock_milliseconds(),
        .until = runner->began + (int64_t)runner->options->session_timeout * 1000,
        .asker = runner->socket,
    };
    enum verdict verdict = VERDICT_DEFERRED;
    if (penalty_wait(&penalty, runner->failures, ledger_count_failures(&runner->ledger, client)))
        verdict = password_verdict(runner->auth_path, runner->options, credentials,
                                   &runner->password_gaps);
    report_credentials(runner->connection, credentials.user, verdict);
    if (verdict_outcome(verdict) == OUTCOME_REFUSED)
        (void)penalty_wait(&penalty, runner->failures + 1, /* the verdict stands */
                           ledger_add_failure(&runner->ledger, client));
    return verdict;
}

/* The password program runs for each; a client tries no more often than its session allows. */
const char *identity_serve_credentials(struct runner *runner, const struct request *request)
{
    struct transaction *transaction = &runner->transaction;
    struct credentials credentials;
    if (runner->auth_path == NULL || !transaction->secured || transaction->user_length > 0 ||
        runner->failures == AUTH_FAILURES_MAX || runner->deferrals == AUTH_DEFERRALS_MAX)
        return "AUTH not allowed";
    if (!request_copy_credentials(&credentials, request))
        return "malformed credentials";
    if (!runner_may_work(runner))
        return "AUTH after the session timeout";
    enum verdict verdict = check_credentials(runner, credentials);
    if (verdict == VERDICT_ACCEPTED)
        transaction_set_user(transaction, credentials.user,
                             request->credentials.login != 0 ? "LOGIN" : "PLAIN");
    else if (verdict_outcome(verdict) == OUTCOME_REFUSED)
        runner->failures++;
    else
        runner->deferrals++;
    runner_allow_until(runner, clock_milliseconds());
    runner->answer.verdict = verdict;
    return NULL;
}
