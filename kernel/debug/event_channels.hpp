// SPDX-License-Identifier: MIT
/// What debug key 'e' says about a domain's event channels: for the question who waits for whom.
#pragma once

namespace hospes {

class Domain;

/// Logs the ports that are in use, the first of them one by one, and how many more there are.
void show_event_channels(Domain& domain);

}
