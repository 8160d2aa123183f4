#include "handler/start/check.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "handler/credential.h"
#include "handler/listener/user.h"
#include "handler/page.h"
#include "handler/runner/resolve.h"
#include "handler/runner/tls.h"
#include "handler/script.h"
#include "handler/start/contradictions.h"
#include "handler/verdict/password-check.h"
#include "handler/verdict/policy.h"
#include "handler/verdict/recipients-check.h"

/* Notes the certificate and key that systemd passed, if they are used. */
static void note_credentials(struct options *options)
{
    static char certificate[PROCESS_PATH_MAX], key[PROCESS_PATH_MAX];
    if (options->tls_relay != NULL || options->tls_certificates.count > 0 ||
        !credential_find("tls.crt", certificate) || !credential_find("tls.key", key))
        return;
    options_note(options, &options->tls_certificates, certificate, true);
    options_note(options, &options->tls_keys, key, true);
}

/* Notes what is in force though nobody said so. */
static void note_defaults(struct start *start)
{
    struct options *options = &start->options;
    options_note(options, &options->hostname, start->hostname, false);
    if (options->domains.count == 0) {
        options_note(options, &options->domains, start->hostname, true);
        options_note(options, &options->domains, "localhost", true);
    }
    if (start->one_recipient)
        options_note(options, &options->one_recipient, "", false);
    if (start->spool_place[0] != '\0')
        options_note(options, &options->spool, start->spool_place, false);
    if (options->tls == TLS_OPTION_BEST && start->tls_policy == TLS_POLICY_OFFERED)
        options_note(options, &options->tls, "starttls", false);
    if (options->tls == TLS_OPTION_IMPLICIT || start->tls_policy != TLS_POLICY_NONE)
        note_credentials(options);
}

/* Whether the units may read the configuration, so that smtp-handler-check tells of them. */
static bool is_of_units(const struct options *options)
{
    return options->config != NULL && strncmp(options->config, "/etc/", 5) == 0;
}

/* Tells what is in force, unless the options are wrong, everything that was found, and "ok" if
 * nothing stands in the way. */
static int finish(struct start *start, bool options_are_right, const struct problems *problems)
{
    struct problem more;
    unsigned listed = problems->count < PROBLEMS_MAX ? problems->count : PROBLEMS_MAX;
    bool allowed = problems_allow(problems), answers = start_answers(start);
    if (answers && geteuid() == 0 && is_of_units(&start->options))
        puts("# checked as root; a service may do less: run smtp-handler-check");
    if (answers && options_are_right) {
        note_defaults(start);
        options_print(&start->options);
        (void)fflush(stdout); /* in front of standard error; ferror(3) remembers */
    }
    for (unsigned i = 0; i < listed; i++)
        if (answers || problems->list[i].status != EX_OK)
            start_tell(start, &problems->list[i]);
    if (listed < problems->count) {
        (void)problem_set(&more, EX_CONFIG, "and %u more", problems->count - listed);
        start_tell(start, &more);
    }
    if (!allowed && !answers)
        start_turn_away(start);
    if (allowed && answers)
        puts("ok");
    return fflush(stdout) == 0 && ferror(stdout) == 0 ? problems->error.status : EX_IOERR;
}

/* Checks the command of the option `target`, if it was found. */
static void check_command(const struct command *command, const struct options *options,
                          const void *target, struct problems *problems)
{
    if (command->path[0] != '\0')
        command_check(command, options_place(options, target, NULL).text, problems);
}

void check_all(struct start *start, struct problems *problems)
{
    static struct tls tls;
    const struct options *options = &start->options;
    int nowhere = open("/dev/null", O_RDWR | O_CLOEXEC); /* a relay needs descriptors */
    const struct connection nobody = {.in = nowhere, .out = nowhere};
    struct problem found;
    problems_about(problems, PAGE_FILE);
    problems_add_unless(problems, options_check_file(options, &found), &found);
    start_prepare(start, problems);
    problems_about(problems, PAGE_RECIPIENTS);
    recipients_check(&start->recipients, problems);
    problems_about(problems, PAGE_COMMAND);
    check_command(&start->command, options, &options->command, problems);
    problems_about(problems, PAGE_RECIPIENT_CHECKS);
    check_command(&start->recipient_check, options, &options->recipient_check, problems);
    problems_about(problems, PAGE_POLICY);
    if (options->policy != NULL)
        problems_add_unless(problems,
                            policy_check(options->policy, &found) ||
                                options_blame(options, &options->policy, NULL, &found),
                            &found);
    problems_about(problems, PAGE_FILTERS);
    filters_check(&start->filters, options, problems);
    problems_about(problems, PAGE_USERS);
    if (start->auth_path[0] != '\0') {
        script_check("password program", start->auth_path, problems);
        password_check(start->auth_path, options, problems);
    }
    problems_about(problems, PAGE_TLS);
    problems_add_unless(problems, tls_check(&tls, options, &nobody, &found), &found);
    problems_about(problems, PAGE_NETWORK);
    if (options->resolve)
        problems_add_unless(problems, resolve_check(&found), &found);
    (void)close(nowhere); /* or it was not opened, and that is known */
}

/* Becomes the user who would serve by --listen, whose rights count. */
static bool become_user(const struct options *options, struct problem *problem)
{
    static struct user user;
    return options->listen.count == 0 || (user_find(&user, options->user, problem) &&
                                          user_become(&user, !options->no_sandbox, problem));
}

int check_run(struct start *start, struct problems *problems)
{
    struct problem found;
    bool options_are_right = problems_allow(problems);
    problems_about(problems, PAGE_LISTENING);
    problems_add_unless(problems, become_user(&start->options, &found), &found);
    check_all(start, problems);
    contradictions_find(&start->options, start->tls_policy, problems);
    return finish(start, options_are_right, problems);
}
