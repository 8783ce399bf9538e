// Where a woken thread runs. Linux wakes a thread where it last ran, or beside the one that wakes it, if it knows of no
// idle processor nearby; two threads of a team may then share one processor for tens of milliseconds while another
// stands idle. So whoever wakes a worker keeps it off its own processor, and the worker, once awake, takes its freedom
// back. Elsewhere nothing happens.
#pragma once
#if defined(__linux__)
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace ag {

class Placement { // made by the thread it places
public:
  // By the thread that is about to wake it. Does nothing where no other processor is allowed.
  void keepOffCaller() {
    if (restricted_) return; // woken before, and not yet there
    const int here = sched_getcpu();
    if (here < 0 || here >= CPU_SETSIZE || sched_getaffinity(thread_, sizeof allowed_, &allowed_) != 0) return;
    cpu_set_t others = allowed_;
    CPU_CLR(here, &others);
    if (CPU_COUNT(&others) > 0) restricted_ = sched_setaffinity(thread_, sizeof others, &others) == 0;
  }

  // By the thread itself, awake.
  void release() {
    if (restricted_) sched_setaffinity(thread_, sizeof allowed_, &allowed_);
    restricted_ = false;
  }

private:
  const pid_t thread_ = static_cast<pid_t>(syscall(SYS_gettid));
  cpu_set_t allowed_;
  bool restricted_ = false;
};

} // namespace ag
#else
namespace ag {

class Placement {
public:
  void keepOffCaller() {}
  void release() {}
};

} // namespace ag
#endif
