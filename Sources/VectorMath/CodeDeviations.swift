/// How many standard deviations a row's code may put it too low before its byte row is looked at.
///
/// The share of true neighbours that a bound loses falls with it, and the rows that are compared rise; measured
/// in docs/decisions/0043 and 0045.
package enum CodeDeviations {
    /// Of a search that measures others.
    package static let thorough: Float = 3.5
    /// The least of a search that names its lists: it asks for all that they hold.
    package static let named: Float = 1.6

    /// Of a search of `nprobe` lists, whose recall calibration has measured with just these.
    ///
    /// Few of many lists leave more neighbours out than the codes lose, and byte rows are what their search costs;
    /// many hold enough rows that the byte rows of some more are cheap.
    package static func probed(nprobe: Int, nlist: Int) -> Float {
        if nprobe * fewShare < nlist { return 0.9 }
        if nprobe * someShare < nlist { return 1.3 }
        return nprobe * manyShare < nlist ? 1.8 : 3
    }

    private static let (fewShare, someShare, manyShare) = (64, 16, 4)

    /// One list of so many is where the deviations of `probed` change.
    package static let shares = [fewShare, someShare, manyShare]

    /// The same where no list is left out and so nothing else is lost, and the recall to expect then.
    ///
    /// Within 2,000 rows of WordNet 0.9974, 0.9990 and 0.9998 were measured, within 20,000 0.9994,
    /// 0.9994 and 0.9998.
    package static func flat(forTarget target: Double) -> (deviations: Float, recall: Double) {
        target > 0.998 ? (2.4, 0.9995) : target > 0.995 ? (2, 0.998) : (1.7, 0.995)
    }
}
