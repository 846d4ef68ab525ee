import StorageIO
import Synchronization
import TestSupport
import VectorMath

@testable import VectorStore

// Crash images of a life, of the recoveries from them, and of the recoveries from those.
//
// - At every operation that changes the disk a picture is kept: the disk with what is pending, and
//   what was acknowledged by then. Each legal choice of what is pending makes one image.
// - An image that was met before is not opened again.
// - Opening an image is watched in the same way, which gives the images of the next depth.

/// Opens crash images and counts them.
struct CrashExploration {
    struct Budget {
        /// Random choices at each operation, by depth.
        var randomChoices = [6, 2, 1]
        /// Of so many images of a depth one is recovered under watch, to make the next depth.
        var watchedShare = [40, 400, 0]
        /// Of so many images one goes through everything that a restart promises.
        var thoroughShare = 64
        /// Images after which an exploration ends.
        var limit = Int.max
    }

    /// What was done.
    struct Tally {
        /// Distinct images opened, by depth from 1.
        var images = [0, 0, 0]
        var repeated = 0
        var operations = 0

        var total: Int { images.reduce(0, +) }

        static func += (left: inout Tally, right: Tally) {
            for index in left.images.indices { left.images[index] += right.images[index] }
            left.repeated += right.repeated
            left.operations += right.operations
        }
    }

    /// A disk at a moment.
    private struct Moment {
        var disk: SimulatedFileSystem
        var outcome: Scenario.Outcome
        /// Writes that the first contents of the history hold.
        var settledCount = 0
        /// Writes that were asked for.
        var issuedCount: Int
    }

    let budget: Budget
    private(set) var tally = Tally()
    private var seen: Set<UInt64> = []
    private var random: SeededRandom

    init(budget: Budget, seed: UInt64) {
        self.budget = budget
        random = SeededRandom(seed: seed)
    }

    /// Explores one life; throws the first violation, with what leads to it.
    mutating func explore(_ life: RandomLife) async throws {
        let disk = SimulatedFileSystem()
        let progress = RandomLife.Progress()
        let moments = Mutex<[Moment]>([])
        disk.observe { [unowned disk] in
            let outcome = progress.outcome
            let moment = Moment(
                disk: disk.clone(),
                outcome: outcome,
                issuedCount: outcome.history.count - 1
            )
            moments.withLock { $0.append(moment) }
        }
        if let error = await life.run(on: disk, progress: progress) {
            throw StoreContents.Violation(description: "the life itself: \(error)")
        }
        disk.observe(nil)
        seen = []  // The next life has other random bytes.
        let all = moments.withLock { $0 }
        tally.operations += all.count
        // Not from the beginning on: an exploration that ends early has been everywhere.
        for (number, moment) in all.enumerated().shuffled(using: &random) {
            if tally.total >= budget.limit { return }
            do {
                try await explore(moment, life: life, depth: 0)
            } catch {
                throw StoreContents.Violation(
                    description: "life \(life.seed) of \(life.stepCount) steps, crash at operation "
                        + "\(number + 1): \(error)"
                )
            }
        }
    }

    private mutating func explore(
        _ moment: Moment,
        life: RandomLife,
        depth: Int
    ) async throws {
        let choices = ImageChoice.choices(
            pending: moment.disk.pendingCount,
            randomCount: budget.randomChoices[depth],
            seed: random.next()
        )
        for choice in choices where tally.total < budget.limit {
            let image = moment.disk.image(choice)
            guard seen.insert(image.contentHash).inserted else {
                tally.repeated += 1
                continue
            }
            tally.images[depth] += 1
            do {
                try await check(image, moment, life: life, depth: depth)
            } catch {
                throw StoreContents.Violation(
                    description: "\(choice) of depth \(depth + 1): \(error)"
                )
            }
        }
    }

    private func takes(_ share: Int, _ random: inout SeededRandom) -> Bool {
        share > 0 && Int.random(in: 0..<share, using: &random) == 0
    }

    private mutating func check(
        _ image: SimulatedFileSystem,
        _ moment: Moment,
        life: RandomLife,
        depth: Int
    ) async throws {
        let outcome = moment.outcome
        if takes(budget.thoroughShare, &random) {
            try await RestartCheck.run(
                image.clone(),
                outcome,
                seed: random.next(),
                options: life.options
            )
        }
        let isWatched = takes(budget.watchedShare[depth], &random)
        let moments = Mutex<[Moment]>([])
        if isWatched {
            image.observe { [unowned image] in
                var next = moment
                next.disk = image.clone()
                moments.withLock { $0.append(next) }
            }
        }
        let store = try VectorDatabase.open(at: "/data", options: life.options, fileSystem: image)
        image.observe(nil)
        let found = try StoreContents.read(store)
        let allowed = outcome.history[outcome.acknowledged...]
        guard let contents = found else {
            // Created before anything was acknowledged, or not yet.
            try StoreContents.require(outcome.acknowledged == 0, "the collection is gone")
            return
        }
        let isCommitted = allowed.contains { StoreContents.agree($0, contents) }
        try StoreContents.require(
            isCommitted,
            "\(contents.count) records are no prefix from write \(outcome.acknowledged) on"
        )
        // A write that may be sent again is known if and only if it was done.
        let known = try life.knownCount(store, of: moment.issuedCount)
        if let known {
            let place = known - moment.settledCount
            let isTrue =
                allowed.indices.contains(place)
                && StoreContents.agree(outcome.history[place], contents)
            try StoreContents.require(
                isTrue,
                "\(known) of \(moment.issuedCount) writes are known, the records show others"
            )
        }
        var maker = Scenario.Maker(seed: random.next())
        try StoreContents.checkSearch(store, contents, query: maker.vector())
        guard isWatched else { return }
        // Recovery is idempotent: what an interrupted one leaves is what this one found.
        var settled = outcome
        settled.history = [contents]
        settled.acknowledged = 0
        for var next in moments.withLock({ $0 }).shuffled(using: &random) {
            next.outcome = settled
            next.settledCount = known ?? 0
            try await explore(next, life: life, depth: depth + 1)
        }
    }
}
