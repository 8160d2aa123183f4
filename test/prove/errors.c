#include "session/errors.h"
