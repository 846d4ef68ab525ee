@testable import VectorService

/// Keys that guard nothing, made for these tests.
enum TestKeys {
    static let secret = Array("a secret for tests that has more than 32 bytes".utf8)

    static let ecPrivate = """
        -----BEGIN PRIVATE KEY-----
        MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgxZp87fkg9EtuM4yO
        C8UACwkl0kJSEY9kSvtIdXTKBfihRANCAAS3lRSHqW5XFGFoWf64YpKMimzg6/qU
        1X7DT9nvyRcY+sEaAbFz8RfrBBLwmYB/XJDcQKxL/gNMB9Ch4Y3WaV6T
        -----END PRIVATE KEY-----
        """

    static let rsaPrivate = """
        -----BEGIN PRIVATE KEY-----
        MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQDVNJdrf0zC0Nfz
        I3I8/A4gLWqegm+YSXnvCiNLXEo4NCYROGk2hKqsmQUEtN+M6QloyK+wVaUNHdBV
        7sJPTfk+Xe7iY1qp7yQtKV6dowwlemlDXn69f0keKWvHWfNAWiUKrV+eUHakxfm8
        f6tx20pY5HiRrVSetUmN7frsDs4WWj3p+M5gK0y933eiwhvNoUTKwE4O+CoiJ15n
        GI40rpU55XZBxaBQWeGPP2LFwtVnlYchrzYjy+bJ/TGu6QnsqWvtjms7G6oep6sZ
        PSYJ+7+1vxD+Pl8tRMk54FG2zuT95t3947GB+RFt3oQwpJ1eVI4gna90t3pitBf1
        AnVhU5erAgMBAAECggEAX58bvmG0urdR80FVjhZ5+2KDLB5SEJn7rwL7+2OkAfsZ
        i6WiQopTxd9HSeoZTSiDSNShP1PaF7zkYHYZ/dl5zMfySOTIl+iicALa5ZZn7zMs
        nMN30mORFo77QMiN+bG0ZUqG1Qk/fP0x2aHk8capXJ7zmFqF1jx2hcpTPKYTNiBn
        fs3QAtWghRPSuFv7xIqDACP/zYTm9zUsvlKK8bLUHqP9cYMDIsSwfbZKgkyZ64hq
        ke+5YKADwgsm5GL0mFXFUPbehejEy5gYEcve77piVT+ubpnuoqiqXXFuStG2CLLm
        LgjvtDrbqCXHdj9H2WW/Euc8Um2fb3q2VvGFB5UeeQKBgQDvUzK5ZshhHljZ8fk7
        zqiEfbCqvNIWbthcBfVra2gkhPGHHmmhF4ssI2JSOyO41ZO7WD3KciBVv5OKiMqF
        XU4VRJGDvvjh+xmKSVs0zdL9Cd0kfbclWp57jwXpB+q8T8nafZ2aUUQqImnRWRgV
        iNnQJnhXqAwUrVEql6hW3puQDwKBgQDkD4DBZnxHkFVZCBMNnLDL+8rOjPVO1CI7
        4Cepm6pJx53Sb44oir1iE3sY/BAC/Tx0OgUs8oSj5Xexe4JP5AlgO/XGjBtNiAMe
        LItI2RFbeZ6aC9WcHR9XAwWTZr/9SRm49xsg7RSsvYei9tg5ehFGIv2x8kKsvifa
        E3Ph3XZipQKBgFtRxMYn6Qfd24t2IGLozTaY+0N6/zMeIqKih23wsvFUZRDo0uds
        I2e5LLgx5sSNgmx3FETeXWY6zqKK5bQT0UqeOmQqB6+675jrusigTQTOsbpN2gd/
        139QKLItmi02yM/9JJkQr1Dghr4iH+V/rZUWSM8xyUJOi+0Tp2FWWceTAoGAMonI
        85K9ebJfZ3Jlnn+ZoipzH+CWv9g8md4ri+dmDiGBNM/pxcww+ZntjnTVK4RosCzn
        VrWLdTJ1mswO7ZtQBJZk+ZG0vzKj1jzyxLrtoMLLxcFXndfKSSLvSmHbq8pWO+nu
        hhZjnYAGnbNr6RjG2S8J3zQbWGJvPGFRLb1A7c0CgYEA70b1Mp9YKhOk74axswR4
        KbGIivNwu3hGy0xa6iFqLGjpODkmMUh7fV/EHK34F4vjOCIt7mWiwTBK2Qxg+jhT
        MNNw8jpWk42tPsx5g4e8OLviFwSXEUhRdl69MYvsmtutPTZw3QFnuGtgsZEJ3XLT
        7n6JtkOJfCDi78GcE90RukA=
        -----END PRIVATE KEY-----
        """

    static let x = "t5UUh6luVxRhaFn-uGKSjIps4Ov6lNV-w0_Z78kXGPo"
    static let y = "wRoBsXPxF-sEEvCZgH9ckNxArEv-A0wH0KHhjdZpXpM"
    static let e = "AQAB"
    static let n =
        "1TSXa39MwtDX8yNyPPwOIC1qnoJvmEl57wojS1xKODQmEThpNoSqrJkFBLTfjOkJaMivsF"
        + "WlDR3QVe7CT035Pl3u4mNaqe8kLSlenaMMJXppQ15-vX9JHilrx1nzQFolCq1fnlB2pMX5"
        + "vH-rcdtKWOR4ka1UnrVJje367A7OFlo96fjOYCtMvd93osIbzaFEysBODvgqIideZxiONK"
        + "6VOeV2QcWgUFnhjz9ixcLVZ5WHIa82I8vmyf0xrukJ7Klr7Y5rOxuqHqerGT0mCfu_tb8Q"
        + "_j5fLUTJOeBRts7k_ebd_eOxgfkRbd6EMKSdXlSOIJ2vdLd6YrQX9QJ1YVOXqw"
    /// A modulus of 1,024 bits.
    static let shortN =
        "tgPYEuKZhE6kowmGlUpczkD8YD789-OVHdSFElRoP8TXAHbZgjZp4Fyr9Tdtu6yIAkH0uT"
        + "KfKnl1ICxnDFtFq_UbYYpAUB0o0XyDfFgWYMDdcWX4e8oEVIYrfg8gKtqWTjSCUh27WxU4"
        + "itRCh-gm63vGFf0rCqzd-2z7UljdzWs"

    /// The public halves, as a key set.
    static var keySet: String {
        """
        {"keys": [
            {"kty": "EC", "crv": "P-256", "alg": "ES256", "kid": "ec", "x": "\(x)", "y": "\(y)"},
            {"kty": "RSA", "alg": "RS256", "kid": "rsa", "n": "\(n)", "e": "\(e)", "use": "sig"}
        ]}
        """
    }

    /// The secret and both public keys.
    static func all() async throws -> KeySet {
        var set = KeySet()
        try set.add(try await TokenKey(secret: secret, id: "hmac"), place: "test")
        for key in try await KeySet.keys(of: Array(keySet.utf8), place: "test") {
            try set.add(key, place: "test")
        }
        return set
    }

    /// The private keys, by their ids.
    static func signer(_ id: String) async throws -> TokenKey {
        switch id {
        case "ec": try await TokenKey(pem: ecPrivate, algorithm: .es256, id: id)
        case "rsa": try await TokenKey(pem: rsaPrivate, algorithm: .rs256, id: id)
        default: try await TokenKey(secret: secret, id: "hmac")
        }
    }

    /// A token of any header and payload, signed by a key.
    static func token(_ header: String, _ payload: String, by key: TokenKey) throws -> String {
        let text = Base64URL.encode(header.utf8) + "." + Base64URL.encode(payload.utf8)
        return text + "." + Base64URL.encode(try key.sign(Array(text.utf8)))
    }
}
