#include "handler/start/start.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "handler/clock.h"
#include "handler/credential.h"
#include "handler/delivery/duplicate.h"
#include "handler/delivery/template.h"
#include "handler/frontend/frontend.h"
#include "handler/frontend/proxy.h"
#include "handler/log.h"
#include "handler/page.h"
#include "handler/process.h"
#include "handler/relay.h"
#include "handler/runner/tls.h"
#include "session/text/text.h"

/* Whether users could authenticate, by themselves or by a proxy's word. */
static bool check_submission(const struct options *options, struct problem *problem)
{
    if (!options->submission || options->xclient.count > 0)
        return true;
    bool lacks_tls =
        options->tls != TLS_OPTION_IMPLICIT && relay_policy(options) == TLS_POLICY_NONE;
    if (options->auth[0] != NULL && !lacks_tls)
        return true;
    (void)problem_set(problem, EX_CONFIG, "without %s nobody can authenticate",
                      options->auth[0] == NULL ? "auth" : "a certificate"); /* is false */
    return options_blame(options, &options->submission, NULL, problem);
}

/* A keeper has the files itself; two who have them would differ one day. */
static bool check_keeper(const struct options *options, struct problem *problem)
{
    if (options->tls_relay == NULL ||
        (options->tls_certificates.count == 0 && options->tls_client_ca == NULL))
        return true;
    (void)problem_set(problem, EX_CONFIG, "the keeper has the certificates"); /* is false */
    return options_blame(options, &options->tls_relay, NULL, problem);
}

/*
 * Without the files of the password program no user can authenticate. With --submission, --check
 * or --listen that is an error; otherwise the service goes on without AUTH.
 */
static bool prepare_auth(struct start *start, struct problem *problem)
{
    struct options *options = &start->options;
    bool fit = true;
    for (char **word = options->auth; fit && *word != NULL; word++)
        fit = credential_check(*word, problem);
    if (!fit && (options->submission || options->check || options->listen.count > 0))
        return false;
    if (!fit) {
        log_trouble("%s; AUTH is not offered; see %s", problem->text,
                    problem->page != NULL ? problem->page : PAGE_USERS);
        options->auth[0] = NULL;
    }
    if (options->auth[0] == NULL ||
        process_find_program("password program", options->auth[0], start->auth_path, problem))
        return true;
    start->auth_path[0] = '\0';
    return options_blame(options, &options->auth_octets, NULL, problem);
}

/* Whether the directory of the option `target` can be used, by `result`: 0, or -errno. */
static bool is_usable(const struct options *options, const void *target, const char *directory,
                      int result, struct problem *problem)
{
    if (result == 0)
        return true;
    (void)problem_set(problem, EX_CONFIG, "%s: %s", directory, strerror(-result)); /* is false */
    problem->page = result == -EROFS ? PAGE_READ_ONLY : NULL; /* as under systemd's units */
    return options_blame(options, target, NULL, problem);
}

/* Finds the program of `words`, which are the option `target`, and `what` it is, in words. */
static bool find_program(struct command *command, const char *what, char *const *words,
                         const struct options *options, const void *target, struct problem *problem)
{
    if (words == NULL || words[0] == NULL || command_find(command, what, words, problem))
        return true; /* or the options are wrong, and that is known */
    const struct problem found = *problem;
    struct options_place place = options_place(options, target, NULL);
    bool is_of_file = place.text[0] != '\0';
    command->path[0] = '\0';
    return problem_set(problem, is_of_file ? EX_CONFIG : found.status, "%s%s", place.text,
                       found.text);
}

static bool find_command(struct start *start, struct problem *problem)
{
    const struct options *options = &start->options;
    return find_program(&start->command, "delivery command", options->command, options,
                        &options->command, problem);
}

static bool find_recipient_check(struct start *start, struct problem *problem)
{
    const struct options *options = &start->options;
    if (template_has(options->recipient_check.words, ATTRIBUTE_KEY)) {
        (void)problem_set(problem, EX_USAGE, "{key}: there is no message yet"); /* is false */
        return options_blame(options, &options->recipient_check, NULL, problem);
    }
    return find_program(&start->recipient_check, "recipient check", options->recipient_check.words,
                        options, &options->recipient_check, problem);
}

static bool open_recipients(struct start *start, struct problem *problem)
{
    const struct options *options = &start->options;
    return recipients_open(&start->recipients, options, start->hostname,
                           start->connection.local.text, problem) ||
           options_blame(options, &options->recipients, NULL, problem);
}

static bool check_proxy(const struct start *start, struct problem *problem)
{
    const struct options *options = &start->options;
    return !options->proxy_protocol || options->check || !start->connection.client_waits ||
           proxy_check(&start->connection, problem);
}

static bool prepare_done_list(const struct options *options, struct problem *problem)
{
    const char *directory = options->done_list;
    if (directory == NULL)
        return true;
    int result = options->check ? duplicate_check(directory) : duplicate_prepare(directory);
    return is_usable(options, &options->done_list, directory, result, problem);
}

static bool prepare_spool(struct start *start, struct problem *problem)
{
    const struct options *options = &start->options;
    if (options->spool == NULL && !options->check)
        return true;
    int result = spool_check(&start->spool, start->spool_place);
    return is_usable(options, &options->spool, start->spool_place, result, problem);
}

void start_prepare(struct start *start, struct problems *problems)
{
    struct options *options = &start->options;
    struct problem found;
    start->hostname = connection_hostname(options->hostname);
    start->spool = spool_new(options->spool);
    (void)snprintf(start->id, sizeof start->id, "%llx-%x",
                   (unsigned long long)clock_microseconds_utc(), (unsigned)getpid()); /* fits */
    problems_about(problems, PAGE_COMMAND);
    problems_add_unless(problems, find_command(start, &found), &found);
    problems_about(problems, PAGE_RECIPIENT_CHECKS);
    problems_add_unless(problems, find_recipient_check(start, &found), &found);
    problems_about(problems, PAGE_FILTERS);
    filters_find(&start->filters, options, problems);
    problems_about(problems, PAGE_USERS);
    problems_add_unless(problems, check_submission(options, &found), &found);
    problems_add_unless(problems, prepare_auth(start, &found), &found);
    problems_about(problems, PAGE_TLS);
    problems_add_unless(problems, check_keeper(options, &found), &found);
    problems_about(problems, PAGE_RECIPIENTS);
    problems_add_unless(problems, open_recipients(start, &found), &found);
    problems_about(problems, PAGE_PROXIES);
    problems_add_unless(problems, check_proxy(start, &found), &found);
    problems_about(problems, PAGE_DONE_LIST);
    problems_add_unless(problems, prepare_done_list(options, &found), &found);
    problems_about(problems, PAGE_FILE);
    problems_add_unless(problems, prepare_spool(start, &found), &found);
    start->one_recipient = options->one_recipient || start->command.of_recipient;
    start->tls_policy = relay_policy(options);
    start->newlines = newlines_find(options, &start->connection, start->tls_policy);
}

void start_look_at_tls(struct start *start, struct problems *problems)
{
    const struct options *options = &start->options;
    struct problem found;
    if (start->tls_policy == TLS_POLICY_NONE || tls_look(options, &start->connection, &found))
        return;
    start->lacks_tls = true;
    problems_about(problems, PAGE_TLS);
    if (start->tls_policy == TLS_POLICY_REQUIRED || options->submission)
        problems_add_unless(problems, false, &found);
    else
        log_trouble("%s; STARTTLS is not offered; see %s", found.text,
                    found.page != NULL ? found.page : PAGE_TLS);
}

bool start_answers(const struct start *start)
{
    return start->options.check && !start->connection.is_one_socket;
}

void start_tell(const struct start *start, const struct problem *problem)
{
    bool is_journal = log_stderr_is_journal(), is_warning = problem->status == EX_OK;
    const char *see = problem->page == NULL ? "" : "; see ";
    const char *page = problem->page == NULL ? "" : problem->page;
    char octets[4 * sizeof problem->text];
    struct text text = {octets, 0, sizeof octets};
    text_add_visible(&text, span_of(problem->text));
    if ((!start_answers(start) && (is_journal || start->connection.stderr_is_client)) ||
        fcntl(STDERR_FILENO, F_GETFD) < 0)
        log_trouble("%s%s%s", problem->text, see, page);
    else
        fprintf(stderr, "%s%s%.*s%s%s\n",
                !is_journal  ? "smtp-handler: "
                : is_warning ? "<4>"
                             : "<3>",
                is_warning ? "warning: " : "", (int)text.length, octets, see,
                page); /* as sd-daemon(3) */
}

void start_turn_away(const struct start *start)
{
    if (start->connection.client_waits && start->options.tls != TLS_OPTION_IMPLICIT)
        frontend_turn_away(&start->connection, connection_hostname(start->options.hostname));
}
