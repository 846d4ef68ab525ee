extension OpenAPI {
    /// The forms of bodies.
    static let schemas = #"""
        {
          "Problem": {
            "type": "object",
            "required": ["type", "title", "status", "detail", "instance", "code", "request_id"],
            "properties": {
              "type": {"type": "string"},
              "title": {"type": "string"},
              "status": {"type": "integer"},
              "detail": {"type": "string"},
              "instance": {"type": "string"},
              "code": {"type": "string", "description": "stable; see the API reference"},
              "row": {"type": "integer"},
              "field": {"type": "string"},
              "request_id": {"type": "string"}
            }
          },
          "RestError": {
            "type": "object",
            "properties": {
              "code": {"type": "string"},
              "message": {"type": "string"},
              "details": {"type": ["string", "null"]},
              "hint": {"type": ["string", "null"]}
            },
            "required": ["code", "message", "details", "hint"],
            "additionalProperties": false
          },
          "ID": {
            "oneOf": [
              {"type": "string", "maxLength": 255},
              {"type": "integer", "minimum": 0, "maximum": 18446744073709551615},
              {
                "type": "object",
                "properties": {"uuid": {"type": "string", "format": "uuid"}},
                "required": ["uuid"],
                "additionalProperties": false
              }
            ]
          },
          "Vector": {
            "oneOf": [
              {"type": "array", "items": {"type": "number"}, "maxItems": 16000},
              {"type": "string", "description": "[0.1,0.2], as pgvector writes it"},
              {
                "type": "object",
                "properties": {
                  "base64": {
                    "type": "string",
                    "contentEncoding": "base64",
                    "description": "little-endian float32"
                  }
                },
                "required": ["base64"],
                "additionalProperties": false
              }
            ]
          },
          "Attributes": {
            "type": "object",
            "additionalProperties": {"type": ["string", "number", "boolean", "null"]}
          },
          "Filter": {
            "type": ["object", "null"],
            "description": "{\"video_id\": \"v1\"}, {\"start_seconds\": {\"gte\": 60}}, in, and, or, not"
          },
          "Status": {
            "type": "object",
            "properties": {"status": {"type": "string"}},
            "required": ["status"],
            "additionalProperties": true
          },
          "About": {
            "type": "object",
            "required": ["name", "version", "capabilities"],
            "properties": {
              "name": {"type": "string"},
              "version": {"type": "string"},
              "kernels": {"type": "string"},
              "capabilities": {"type": "array", "items": {"type": "string"}}
            }
          },
          "Configuration": {
            "type": "object",
            "additionalProperties": false,
            "required": ["dimension"],
            "properties": {
              "dimension": {"type": "integer", "minimum": 1, "maximum": 16000},
              "metric": {"type": ["string", "null"], "enum": ["cosine", null]},
              "partition_by": {"type": ["string", "null"]},
              "attributes": {
                "type": ["object", "null"],
                "additionalProperties": {
                  "type": "object",
                  "properties": {"type": {"type": "string", "enum": ["string", "int64", "double", "bool"]}},
                  "required": ["type"],
                  "additionalProperties": false
                }
              }
            }
          },
          "Collection": {
            "type": "object",
            "required": ["name", "dimension", "metric", "attributes"],
            "properties": {
              "name": {"type": "string"},
              "dimension": {"type": "integer"},
              "metric": {"type": "string"},
              "partition_by": {"type": "string"},
              "attributes": {"type": "object"},
              "rows": {"type": "integer"},
              "segments": {"type": "integer"},
              "nlist": {"type": "integer"}
            }
          },
          "Collections": {
            "type": "object",
            "properties": {
              "collections": {"type": "array", "items": {"$ref": "#/components/schemas/Collection"}}
            },
            "required": ["collections"],
            "additionalProperties": false
          },
          "Statistics": {
            "type": "object",
            "required": ["store_id", "lsn", "collections"],
            "properties": {
              "store_id": {"type": "string"},
              "lsn": {"type": "integer"},
              "collections": {"type": "array", "items": {"$ref": "#/components/schemas/Collection"}}
            }
          },
          "Task": {
            "type": "object",
            "required": ["id", "state"],
            "properties": {
              "id": {"type": "string"},
              "state": {"type": "string", "enum": ["running", "done", "failed", "cancelled"]}
            }
          },
          "Accepted": {
            "type": "object",
            "properties": {"task": {"type": "string"}},
            "required": ["task"],
            "additionalProperties": false
          },
          "Receipt": {
            "type": "object",
            "properties": {"count": {"type": "integer"}, "lsn": {"type": "integer"}},
            "required": ["count", "lsn"],
            "additionalProperties": false
          },
          "Record": {
            "type": "object",
            "required": ["id", "vector"],
            "properties": {
              "id": {"$ref": "#/components/schemas/ID"},
              "vector": {"$ref": "#/components/schemas/Vector"},
              "partition": {"type": ["string", "null"]},
              "attributes": {"$ref": "#/components/schemas/Attributes"},
              "payload": {}
            }
          },
          "Records": {
            "type": "object",
            "properties": {"records": {"type": "array", "items": {"$ref": "#/components/schemas/Record"}}},
            "required": ["records"],
            "additionalProperties": false
          },
          "Updates": {
            "type": "object",
            "properties": {
              "updates": {
                "type": "array",
                "items": {
                  "type": "object",
                  "properties": {
                    "id": {"$ref": "#/components/schemas/ID"},
                    "attributes": {"$ref": "#/components/schemas/Attributes"},
                    "payload": {},
                    "partition": {"type": ["string", "null"]},
                    "new_id": {"$ref": "#/components/schemas/ID"}
                  },
                  "required": ["id"],
                  "additionalProperties": false
                }
              }
            },
            "required": ["updates"],
            "additionalProperties": false
          },
          "StoredRecord": {
            "type": "object",
            "required": ["id"],
            "properties": {
              "id": {"$ref": "#/components/schemas/ID"},
              "partition": {"type": "string"},
              "attributes": {"type": "object"},
              "payload": {},
              "vector": {"type": "array", "items": {"type": "number"}}
            }
          },
          "Get": {
            "type": "object",
            "properties": {
              "ids": {"type": "array", "items": {"$ref": "#/components/schemas/ID"}},
              "include": {
                "type": ["array", "null"],
                "items": {"type": "string", "enum": ["attributes", "payload", "vector"]}
              }
            },
            "required": ["ids"],
            "additionalProperties": false
          },
          "Got": {
            "type": "object",
            "properties": {
              "records": {
                "type": "array",
                "items": {"oneOf": [{"$ref": "#/components/schemas/StoredRecord"}, {"type": "null"}]}
              }
            },
            "required": ["records"],
            "additionalProperties": false
          },
          "Page": {
            "type": "object",
            "properties": {
              "records": {"type": "array", "items": {"$ref": "#/components/schemas/StoredRecord"}},
              "next_cursor": {"type": "string"}
            },
            "required": ["records"],
            "additionalProperties": false
          },
          "Count": {
            "type": "object",
            "properties": {"count": {"type": "integer"}},
            "required": ["count"],
            "additionalProperties": false
          },
          "Match": {
            "type": "object",
            "required": ["id", "similarity", "distance"],
            "properties": {
              "id": {"$ref": "#/components/schemas/ID"},
              "similarity": {"type": "number"},
              "distance": {"type": "number"},
              "metadata": {"type": ["object", "null"], "additionalProperties": true},
              "partition": {"type": "string"},
              "attributes": {"type": "object"},
              "payload": {},
              "vector": {"type": "array", "items": {"type": "number"}}
            }
          },
          "SearchStatistics": {
            "type": "object",
            "required": ["mode", "lsn"],
            "properties": {
              "mode": {"type": "string", "enum": ["exact", "probed"]},
              "exactness": {"type": "string", "enum": ["exact", "estimated", "truncated"]},
              "truncated_by": {"type": "string", "enum": ["time_limit"]},
              "nlist": {"type": "integer"},
              "nprobe": {"type": "integer"},
              "rows_scanned": {"type": "integer"},
              "codes_scanned": {"type": "integer"},
              "estimated_recall": {"type": "number"},
              "lsn": {"type": "integer"},
              "search_ms": {"type": "number"},
              "took_ms": {"type": "number"},
              "lists_scanned": {"type": "integer"},
              "blocks_scanned": {"type": "integer"},
              "byte_rows_scanned": {"type": "integer"},
              "phases_us": {"type": "object", "additionalProperties": {"type": "number"}},
              "minor_faults": {"type": "integer"},
              "major_faults": {"type": "integer"}
            }
          },
          "Result": {
            "type": "object",
            "required": ["matches", "stats"],
            "properties": {
              "matches": {"type": "array", "items": {"$ref": "#/components/schemas/Match"}},
              "metadata": {"type": "string", "enum": ["complete", "incomplete", "unavailable"]},
              "metadata_missing": {
                "type": "array", "items": {"$ref": "#/components/schemas/ID"}
              },
              "stats": {"$ref": "#/components/schemas/SearchStatistics"},
              "explain": {"type": "string"}
            }
          },
          "Results": {
            "type": "object",
            "required": ["results", "took_ms"],
            "properties": {
              "results": {"type": "array", "items": {"$ref": "#/components/schemas/Result"}},
              "took_ms": {"type": "number"}
            }
          },
          "Grant": {
            "type": "object",
            "required": ["access_token", "token_type", "expires_in"],
            "properties": {
              "access_token": {"type": "string"},
              "token_type": {"type": "string"},
              "expires_in": {"type": "integer"},
              "refresh_token": {"type": "string"},
              "session_id": {"type": "string"}
            }
          },
          "IssueToken": {
            "type": "object",
            "properties": {
              "subject": {"type": "string", "minLength": 1},
              "role": {"type": ["string", "null"]},
              "claims": {"type": ["object", "null"]},
              "access_seconds": {"type": ["integer", "null"], "minimum": 1, "maximum": 86400},
              "refresh": {"type": ["boolean", "null"]}
            },
            "required": ["subject"],
            "additionalProperties": false
          },
          "RefreshToken": {
            "type": "object",
            "properties": {"refresh_token": {"type": "string"}},
            "required": ["refresh_token"],
            "additionalProperties": false
          },
          "RevokeToken": {
            "oneOf": [
              {
                "type": "object",
                "properties": {"session_id": {"type": "string"}},
                "required": ["session_id"],
                "additionalProperties": false
              },
              {
                "type": "object",
                "properties": {"jti": {"type": "string"}},
                "required": ["jti"],
                "additionalProperties": false
              },
              {
                "type": "object",
                "properties": {"refresh_token": {"type": "string"}},
                "required": ["refresh_token"],
                "additionalProperties": false
              }
            ]
          },
          "Empty": {"type": "object", "properties": {}, "additionalProperties": false},
          "Rebuild": {
            "type": "object",
            "properties": {
              "nlist": {"type": ["integer", "null"], "minimum": 1, "maximum": 1048576},
              "seed": {"type": ["integer", "null"], "minimum": 0},
              "force": {"type": ["boolean", "null"]}
            },
            "additionalProperties": false
          },
          "Query": {
            "type": "object",
            "properties": {
              "vector": {"$ref": "#/components/schemas/Vector"},
              "id": {"$ref": "#/components/schemas/ID"},
              "limit": {"type": ["integer", "null"], "minimum": 1, "maximum": 10000},
              "k": {"type": ["integer", "null"], "minimum": 1, "maximum": 10000},
              "partition": {"type": ["string", "null"]},
              "partitions": {"type": ["array", "null"], "items": {"type": "string"}},
              "filter": {"$ref": "#/components/schemas/Filter"},
              "min_similarity": {"type": ["number", "null"]},
              "recall": {"type": ["number", "null"], "exclusiveMinimum": 0, "maximum": 1},
              "nprobe": {"type": ["integer", "null"], "minimum": 1},
              "include": {
                "type": ["array", "null"],
                "items": {"type": "string", "enum": ["attributes", "payload", "vector", "metadata"]}
              },
              "explain": {"type": ["boolean", "null"]},
              "time_limit_ms": {"type": ["number", "null"], "exclusiveMinimum": 0, "maximum": 60000},
              "require_metadata": {"type": ["boolean", "null"]},
              "min_lsn": {"type": ["integer", "null"], "minimum": 0},
              "timeout_ms": {"type": ["integer", "null"], "minimum": 0, "maximum": 10000}
            },
            "description": "vector or id. The collection's partition key may stand in place of partition."
          },
          "Queries": {
            "type": "object",
            "additionalProperties": false,
            "required": ["queries"],
            "properties": {
              "queries": {"type": "array", "maxItems": 1000, "items": {"$ref": "#/components/schemas/Query"}},
              "min_lsn": {"type": ["integer", "null"], "minimum": 0},
              "timeout_ms": {"type": ["integer", "null"], "minimum": 0, "maximum": 10000}
            }
          },
          "Selection": {
            "type": "object",
            "properties": {
              "filter": {"$ref": "#/components/schemas/Filter"},
              "partition": {"type": ["string", "null"]},
              "limit": {"type": ["integer", "null"], "minimum": 1, "maximum": 10000},
              "cursor": {"type": ["string", "null"]},
              "include": {
                "type": ["array", "null"],
                "items": {"type": "string", "enum": ["attributes", "payload", "vector"]}
              }
            }
          },
          "CountSelection": {
            "type": "object",
            "properties": {
              "filter": {"$ref": "#/components/schemas/Filter"},
              "partition": {"type": ["string", "null"]}
            }
          },
          "Delete": {
            "type": "object",
            "properties": {
              "ids": {"type": ["array", "null"], "items": {"$ref": "#/components/schemas/ID"}},
              "filter": {"$ref": "#/components/schemas/Filter"},
              "partition": {"type": ["string", "null"]},
              "all": {"type": ["boolean", "null"]}
            }
          },
          "Revoked": {
            "type": "object",
            "properties": {"revoked": {"type": "boolean"}},
            "required": ["revoked"],
            "additionalProperties": false
          }
        }
        """#
}
