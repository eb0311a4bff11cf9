// SPDX-License-Identifier: Apache-2.0
// Part of Migratez: moves a whole CRM, proves that nothing was lost, leaves nothing behind.

import ArgumentParser

/// What a shell offers for an argument that names a file. An argument without a kind completes to nothing at all.
extension CompletionKind {
    static var pipelineFile: CompletionKind { .file(extensions: ["yaml", "yml"]) }
    /// What `run` takes: a pipeline file, or a plan that `plan -o` saved.
    static var pipelineOrPlanFile: CompletionKind { .file(extensions: ["yaml", "yml", "plan"]) }
    static var table: CompletionKind { .file(extensions: ["csv"]) }
}
