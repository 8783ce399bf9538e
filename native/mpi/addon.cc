// Processes that train together: sums over the ranks of an MPI job. An addon of its own, so that the main one never
// needs an MPI library. MPI is initialised once per process, by the first environment that asks, and finalised when the
// process ends.
#include <mpi.h>
#include <napi.h>

#include <cstdlib>
#include <vector>

namespace {

void finalize() {
  int done = 0;
  MPI_Finalized(&done);
  if (done == 0) MPI_Finalize();
}

Napi::Value open(const Napi::CallbackInfo& info) {
  int ready = 0;
  MPI_Initialized(&ready);
  if (ready == 0) {
    int provided = 0;
    MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &provided);
    std::atexit(finalize);
  }
  int rank = 0;
  int size = 1;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  auto out = Napi::Object::New(info.Env());
  out.Set("rank", rank);
  out.Set("size", size);
  return out;
}

// Every rank sums its share of the array over the ranks, in rank order, and the shares are put together: the same
// additions on every rank and in every run, 2 n numbers sent and received per rank. MPI_Allreduce leaves the order to
// the library.
void sum(const Napi::CallbackInfo& info) {
  auto array = info[0].As<Napi::Float64Array>();
  int size = 1;
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  const size_t share = (array.ElementLength() + static_cast<size_t>(size) - 1) / static_cast<size_t>(size);
  const size_t padded = share * static_cast<size_t>(size);
  std::vector<double> mine(padded, 0.0);
  std::vector<double> theirs(padded);
  std::copy_n(array.Data(), array.ElementLength(), mine.data());
  const int count = static_cast<int>(share);
  MPI_Alltoall(mine.data(), count, MPI_DOUBLE, theirs.data(), count, MPI_DOUBLE, MPI_COMM_WORLD);
  for (int rank = 1; rank < size; ++rank)
    for (size_t k = 0; k < share; ++k) theirs[k] += theirs[static_cast<size_t>(rank) * share + k];
  MPI_Allgather(theirs.data(), count, MPI_DOUBLE, mine.data(), count, MPI_DOUBLE, MPI_COMM_WORLD);
  std::copy_n(mine.data(), array.ElementLength(), array.Data());
}

// Ends every rank of the job with the given status.
void abort(const Napi::CallbackInfo& info) { MPI_Abort(MPI_COMM_WORLD, info[0].As<Napi::Number>().Int32Value()); }

Napi::Object init(Napi::Env env, Napi::Object exports) {
  exports.Set("open", Napi::Function::New(env, open));
  exports.Set("sum", Napi::Function::New(env, sum));
  exports.Set("abort", Napi::Function::New(env, abort));
  return exports;
}

} // namespace

NODE_API_MODULE(atomgrad_mpi, init)
