#include "handler/runner/routes.h"

#include "handler/log.h"
#include "handler/verdict/entry.h"

/* The command of the options, for a recipient whose entry has none. */
static const struct command *find_default(struct runner *runner, const struct route *route)
{
    if (runner->command->words != NULL)
        return runner->command;
    recipients_report(runner->recipients, route->last,
                      route->last.length == 0
                          ? "postmaster has no entry, and the options no command"
                          : "no command stands behind it, and the options have none");
    return NULL;
}

const struct command *routes_find(struct runner *runner, const struct route *route,
                                  struct routed *routed)
{
    struct problem problem;
    struct entry entry = entry_parse(route->last);
    if (entry.kind != ENTRY_COMMAND)
        return find_default(runner, route);
    if (route_find(routed, entry.text, &problem))
        return &routed->command;
    recipients_report(runner->recipients, route->last, problem.text);
    return NULL;
}

const struct command *routes_find_to_run(struct runner *runner,
                                         const struct transaction *transaction)
{
    return routes_find(runner, transaction_route(transaction), &runner->run);
}

bool routes_differ(struct runner *runner, const struct command *command)
{
    const struct transaction *transaction = &runner->transaction;
    const struct command *first = routes_find(runner, &transaction->routes[0], &runner->run);
    return runner->one_recipient || first == NULL || !command_is_same(command, first);
}
