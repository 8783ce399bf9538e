// All kernels of one instruction set, found by name when the addon starts.
#pragma once
#include <vector>

#include "call.h"

namespace ag {

// Tables of every family compiled for this instruction set (isa.h). The list of families is generated.
std::vector<FamilyTable> familiesOf(int isa);

} // namespace ag
